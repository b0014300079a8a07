# boto3 makes its clients from the services' models at run time and has no types of its own: a client is Any here, and
# what handlers use besides is typed, so that they are checked strictly.
from typing import Any

from botocore.config import Config

def client(service_name: str, *, config: Config = ...) -> Any: ...

class Session:
    region_name: str
    def get_credentials(self) -> Any: ...
