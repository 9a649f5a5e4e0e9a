"""Which outcomes could be right for each other's question, and so never stand in one row.

One group a line, by the keys of the scenes: any two of a group clash.
"""

from itertools import combinations

CLASHES = """
a broom + a rake
a knife + a pair of scissors
a knife + a pair of shears
a knife + a saw
a pair of scissors + a pair of shears
a pair of shears + a saw
a bucket + a watering can
a bucket + a bar of soap
a bar of soap + a towel
a pen + a box of crayons
a paintbrush + a box of crayons
a paintbrush + a pen
a compass + a torch
a magnifying glass + a telescope
a magnifying glass + a torch
a telescope + a torch
a hammer + a screwdriver
a hammer + some glue
a needle + some glue
a spade + a bucket
a kettle + a spoon
a kettle + an oven
a spoon + an oven
a ladder + a bucket
a ladder + a telescope
a wheelbarrow + a bucket
a wheelbarrow + a rope
it breaks + it bursts
it breaks + it tears
it breaks + it bounces
it goes bad + it burns
it goes bad + it boils
it boils + it burns
it boils + it overflows
it melts + it ripens
it melts + it dries
it melts + it dries up
it melts + it goes bad
it melts + it dissolves
it dries + it dries up
it dries + it burns
it dries + it blows away
it dries up + it goes bad
it rusts + it gets soaked
it rusts + it breaks
it sprouts + it ripens
it sprouts + it gets soaked
it sinks + it gets soaked
it sinks + it floats
it sinks + it goes out
it floats + it gets soaked
it floats + it blows away
it dissolves + it melts
it dissolves + it sinks
it dissolves + it goes bad
it ripens + it dries up
it ripens + it goes bad
it ripens + it rises
it runs away + it stops
it turns to ice + it breaks
it overflows + it gets soaked
it goes out + it gets soaked
it goes out + it dissolves
it goes out + it blows away
it tears + it bursts
it stops + it goes out
it stops + it rusts
it burns + it melts
drink some water + sit in the shade
drink some water + eat something
go to sleep + set the alarm clock
go to sleep + turn on a lamp
ask for help + say sorry
ask for help + say thank you
ask for help + ask the way
say sorry + mop it up
put on a warm coat + put a log on the fire
put on a warm coat + close the window
put on a warm coat + go down the hill on a sledge
put on a warm coat + open an umbrella
put on a warm coat + take a bath
put a log on the fire + turn on a lamp
put a log on the fire + close the window
open an umbrella + put on boots
open an umbrella + close the window
open an umbrella + run to the stop
put on boots + go down the hill on a sledge
put on boots + fly a kite
set the alarm clock + run to the stop
set the alarm clock + learn for it
rock the cradle + feed it
rock the cradle + go to sleep
say thank you + wrap a present
eat something + feed it
put a plaster on it + take a bath
wrap a present + put a stamp on it
the fridge + the freezer
the fridge + the kitchen cupboard
the fridge + the bread bin
the freezer + the bread bin
the shed + the barn
the shed + the toolbox
the toy box + the bookcase
the laundry basket + the wardrobe
the laundry basket + the dustbin
the letter box + the dustbin
the letter box + the photo album
the letter box + the bookcase
the photo album + the bookcase
the pencil case + the sewing box
the money box + the jewel box
the kitchen cupboard + the vase
the sewing box + the toolbox
a dentist + a doctor
a doctor + a chemist
a chemist + an optician
a doctor + an optician
a vet + a farmer
a vet + a blacksmith
a carpenter + a blacksmith
a mechanic + a blacksmith
a watchmaker + a policeman
a teacher + a librarian
a baker + a farmer
a beekeeper + a farmer
a tailor + a shoemaker
cow + horse + sheep + pig + rabbit + tortoise + caterpillar + camel + donkey + duck + hen
spider + frog + robin + hedgehog + hen + duck
lion + wolf + bear + eagle + owl + dog
squirrel + bear + mouse + hen + ant + pig
penguin + bear + eagle
monkey + bear
beaver + caterpillar + squirrel
ant + bee + mouse + dog
"""

_PAIRS = frozenset(
    frozenset(pair)
    for line in CLASHES.strip().splitlines()
    for pair in combinations(line.split(" + "), 2)
)


def clash(one: str, other: str) -> bool:
    """Whether the outcome of one scene or fact could also be right for the other."""
    return one == other or frozenset((one, other)) in _PAIRS
