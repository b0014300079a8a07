"""Declares and checks a component's arguments: one class serves all three of their readers.

- The config check: `parse` turns plain data (a stack's YAML) into the class, or raises `Refused` with every error at
  once, each with its path, what was found, what was expected and what to write.
- The component: it takes the class (frozen, typed, with a sentence a field).
- Other languages: `simplify_annotations` gives Pulumi's analyzer the same class with annotations it understands
  (https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/build-a-component/).

A field is `name: Annotated[type, check] = default` with a docstring below it. A check takes the value, returns it, and
raises ValueError with "what is wrong; write this instead". What several fields break is found by methods marked
`@together`: they yield "field: what is wrong; write this instead". Each runs, also where some fields are wrong in
themselves, unless it reads one of those.

    declare.py   `arguments`, `together`, `Text`, `replaced`, `FilledIn`: how a class of arguments is written
    checks.py    `check`, `matching`, `between`, `never`, `Email`: the check of one field
    config.py    a project's Pulumi config as plain data
    parse.py     plain data into the class, or every error
    plain.py     whether plain data is a mapping or a list
    report.py    the sentences of the errors
    schema.py    the class as Pulumi's analyzer reads it
"""

from components.arguments.checks import Email as Email
from components.arguments.checks import between as between
from components.arguments.checks import check as check
from components.arguments.checks import matching as matching
from components.arguments.checks import never as never
from components.arguments.declare import BY_NAME as BY_NAME
from components.arguments.declare import OF_THE_STACK as OF_THE_STACK
from components.arguments.declare import FilledBy as FilledBy
from components.arguments.declare import FilledIn as FilledIn
from components.arguments.declare import Text as Text
from components.arguments.declare import arguments as arguments
from components.arguments.declare import of_the_stack as of_the_stack
from components.arguments.declare import replaced as replaced
from components.arguments.declare import together as together
from components.arguments.parse import parse as parse
from components.arguments.report import Refused as Refused
from components.arguments.report import described as described
from components.arguments.report import join as join
from components.arguments.report import nearest as nearest
from components.arguments.schema import simplify_annotations as simplify_annotations
