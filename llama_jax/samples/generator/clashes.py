"""Which outcomes could be right for each other's question, and so never stand in one row.

One group a line, by the keys of the scenes: any two of a group clash.
"""

from itertools import combinations

CLASHES = """
a bar of soap + a needle
a knife + a saw
a knife + an oven
a spoon + an oven
a spoon + a knife
a paintbrush + a hammer
a hammer + a saw
a torch + a telescope
a key + a ladder
the fridge + the vase
the jewel box + the money box
the jewel box + a key
the letter box + the dustbin
the letter box + a pen
it melts + it turns to ice
it sinks + it floats
it floats + it blows away
it sprouts + it hatches
it burns + it melts
it breaks + it bursts
drink some water + eat something
go to sleep + turn on a lamp
say sorry + say thank you
put on a warm coat + open an umbrella
put on a warm coat + take a bath
put a plaster on it + take a bath
fly a kite + put on a warm coat
a dentist + a doctor
a doctor + a vet
a mechanic + a plumber
a watchmaker + a mechanic
cow + horse + rabbit + hen
robin + hen
owl + dog
squirrel + hen
a torch + turn on a lamp
a pen + say thank you
a knife + eat something
a spoon + eat something
a bar of soap + take a bath
an oven + eat something
a pen + a librarian
"""

_PAIRS = frozenset(
    frozenset(pair)
    for line in CLASHES.strip().splitlines()
    for pair in combinations(line.split(" + "), 2)
)


def clash(one: str, other: str) -> bool:
    """Whether the outcome of one scene or fact could also be right for the other."""
    return one == other or frozenset((one, other)) in _PAIRS
