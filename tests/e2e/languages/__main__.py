from tests.e2e import languages

languages.prepare()
print(languages.yaml_host(), languages.typescript())
