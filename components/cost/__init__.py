"""What a stack costs a month: at rest, by use and once, before anything is made.

    prices.py       list prices as data (prices/*.csv): key, region, price, unit, date, page
    usage.py        what a pipeline is used for: the `usage` keys of a stack's config, with their defaults
    resource.py     a registered resource as this room reads it
    at_rest.py      what each type of resource costs by being there
    by_use.py       what each kind of pipeline costs by what it is used for
    lake.py         what the tables of a run cost by use: folds, merges, copies
    groups.py       how long a collection group is awake, and which pipeline pays
    free.py         the types of resource that cost nothing, each with the reason
    estimates.py    all of it by pipeline, with what is left out; as JSON
    differences.py  what changes from one estimate to another
    text.py         both as text
    offers.py       where each price stands in AWS's published lists; Google's
    refresh.py      `python -m components.cost.refresh`: the prices anew, where there is a network

Plain Python and data, without Pulumi: an estimate is a function of what a program registers, of its config and of the
lists. List prices in US dollars, without taxes, free tiers, discounts for volume or contracts. A month has 730 hours,
as AWS counts (https://aws.amazon.com/calculator/calculator-assumptions/).
"""

from components.cost.differences import difference as difference
from components.cost.estimates import Estimate as Estimate
from components.cost.estimates import Pipeline as Pipeline
from components.cost.estimates import estimate as estimate
from components.cost.resource import Resource as Resource
from components.cost.resource import as_registered as as_registered
from components.cost.text import difference_table as difference_table
from components.cost.text import table as table
