"""Facts about animals, materials, properties, seasons and the body, as tables with one fact a line.

A dash says that the table has no such fact. `|` separates columns and ` / ` alternatives.
"""

# animal | kind | food | home | young | call | cover | how it moves
ANIMALS = """
cow | a mammal | grass | the cowshed | a calf | it moos | hair | walks slowly
horse | a mammal | oats | the stable | a foal | it neighs | hair | gallops
sheep | a mammal | - | the fold | a lamb | it bleats | wool | walks in a flock
pig | a mammal | - | the sty | a piglet | it grunts | bristles | trots
hen | a bird | grain | the coop | a chick | it clucks | feathers | struts about
duck | a bird | - | - | a duckling | it quacks | feathers | swims and waddles
goose | a bird | - | - | a gosling | it honks | feathers | waddles
dog | a mammal | bones | the kennel | a puppy | it barks | fur | runs
cat | a mammal | - | - | a kitten | it meows | fur | creeps without a sound
bee | an insect | nectar | the hive | - | it buzzes | - | flies from flower to flower
ant | an insect | - | the anthill | - | - | - | crawls in a long line
rabbit | a mammal | carrots | the burrow | - | - | fur | hops
squirrel | a mammal | nuts | the treetop | - | it chatters | fur | jumps from branch to branch
owl | a bird | mice | the hollow tree | an owlet | it hoots | feathers | flies at night
frog | an amphibian | - | the pond | a tadpole | it croaks | wet skin | jumps
bear | a mammal | - | - | a cub | it growls | fur | walks on heavy feet
lion | a mammal | - | the dry grassland | - | it roars | fur | runs after its prey
wolf | a mammal | - | - | - | it howls | fur | runs in a pack
mouse | a mammal | - | the hole in the wall | - | it squeaks | fur | scurries
robin | a bird | worms | the nest | - | it sings | feathers | hops and flies
snake | a reptile | - | - | - | it hisses | scales | glides over the ground
tortoise | a reptile | - | - | - | - | a shell | walks very slowly
trout | a fish | - | the cold stream | - | - | scales | swims
panda | a mammal | bamboo | - | - | - | fur | sits most of the day
monkey | a mammal | bananas | the jungle | - | - | fur | swings from tree to tree
penguin | a bird | fish | the snow | - | - | feathers | dives and slides on its belly
"""

# material | where it comes from | things made of it
MATERIALS = """
glass | sand | a window / a bottle / a mirror
wool | sheep | a jumper / a scarf / a mitten
rubber | the juice of a tree | a tyre / an eraser / a wellington boot
wax | bees | a candle / a crayon / the comb in a hive
clay | the ground | a brick / a flower pot / a roof tile
paper | wood | a book / a newspaper / an envelope
iron | ore | a nail / a horseshoe / an anchor
leather | the skin of cows | a shoe / a saddle / a belt
wood | trees | a plank / a chair / a barrel
gold | the mine | a wedding ring / a crown / a medal
butter | cream | -
cheese | milk | -
flour | wheat | bread / pancakes / noodles
honey | nectar | -
"""

# property | things that have it | what follows from it
PROPERTIES = """
hot | fire / boiling water / a glowing coal | you must not touch it
cold | ice / snow / frost | it makes your fingers stiff
heavy | a rock / an elephant / an anvil | nobody can lift it alone
light | a feather / a snowflake / a cobweb | a breath of air lifts it
sharp | a needle / a thorn / a razor | it can prick or cut you
soft | a pillow / cotton wool / moss | you can press it with one finger
sour | a lemon / vinegar / a gooseberry | you pull a face when you taste it
sweet | sugar / honey / a ripe pear | bees and children like it
salty | sea water / tears / bacon | it makes you thirsty
round | a ball / a marble / an orange | it rolls down a hill
loud | thunder / a siren / a trumpet | you can hear it from far away
"""

# season | what belongs to it
SEASONS = """
spring | the snow melts away / the first flowers come up / birds build their nests / lambs are born
summer | the days are longest / the sun is hottest / children swim / the wheat turns gold
autumn | the leaves fall / apples are picked / swallows fly south / fog lies on the brown fields
winter | the days are shortest / snow lies deep / ponds freeze over / bears sleep in their caves
"""

# part of the body | work | an example
BODY = """
the eyes | see | a rainbow
the ears | hear | a song
the nose | smell | a rose
the tongue | taste | an orange
the teeth | chew | a nut
the lungs | breathe | fresh air
the brain | think | about a riddle
the legs | walk | to school
the hands | hold | a cup
"""

# word | opposite
OPPOSITES = """
big | small
long | short
wet | dry
early | late
full | empty
old | young
fast | slow
loud | quiet
high | low
open | shut
happy | sad
"""

# kind | members
KINDS = """
fruit | an apple / a pear / a plum / a cherry / a banana / a grape
vegetable | a carrot / a cabbage / a potato / a leek / a bean / an onion
tree | an oak / a pine / a birch / a willow / a beech / an elm
flower | a rose / a tulip / a daisy / a lily / a violet / a poppy
vehicle | a car / a bus / a train / a lorry / a tram / a bicycle
metal | iron / gold / silver / copper / tin / lead
colour | red / blue / green / yellow / purple / brown
"""

# what is asked (after "how many") | number
NUMBERS = """
days are in a week | 7
months are in a year | 12
hours are in a day | 24
minutes are in an hour | 60
legs does a spider have | 8
legs does a bee have | 6
legs does a horse have | 4
legs does a hen have | 2
fingers are on one hand | 5
seasons are in a year | 4
wheels does a wheelbarrow have | 1
wheels does a tricycle have | 3
wheels does a bicycle have | 2
letters are in the alphabet | 26
years are in a century | 100
"""
