"""Causes and effects: what happens to a thing, one entry per effect.

The lines of an entry: the effect, in general | the label of the scene; the things that it happens
to, of which the LAST is held out of the corpus with this effect; the cause in a story ({name},
{object}); the cause in general (after "if" or "when"); two endings (the thing is the subject); why.
"""

EFFECTS = """
it melts | A small surprise
the ice cream / the chocolate / the snowman / the butter
{Name} left {object} in the hot sun / The hot sun shone on {object} all afternoon
you leave {object} in the hot sun
melted and ran down to the ground / grew soft and melted into a puddle
Heat turns many solid things into liquids

it breaks | A small surprise
the glass / the cup / the plate / the vase
{Name} dropped {object} on the stone floor
/ {Object} slipped from {name}'s fingers and hit the floor
you drop {object} on a stone floor
broke into many small pieces / smashed and lay in sharp bits
Thin, hard things break easily

it turns to ice | A small surprise
the puddle / the water in the bucket / the pond / the water in the bowl
The night was so cold that {name} thought of {object}
/ {Name} left {object} out in the bitter frost
{object} stands in bitter frost
froze and was as hard as stone / turned to ice from edge to edge
Water turns to ice when it gets very cold

it rusts | A small surprise
the iron gate / the old bicycle / the spade / the nail
{Name} left {object} out in the rain for weeks
/ For a whole wet year {name} did not look at {object}
you leave {object} in the rain for weeks
went brown and rough with rust / was covered with red rust
Iron rusts when it stays wet

it sprouts | In the garden
the seed / the bean / the acorn / the pea
{Name} put {object} into warm wet soil / {Name} planted {object} and watered the spot every day
you put {object} into warm wet soil
sent up a small green shoot / opened and grew a root and two leaves
A seed needs water and warmth to grow

it sinks | By the water
the stone / the coin / the hammer / the brick
{Name} dropped {object} into the pond / {Name} let {object} fall off the bridge into the river
you drop {object} into a pond
went straight down to the bottom / sank with a plop and lay on the ground below
Heavy things sink in water

it floats | By the water
the cork / the paper boat / the dry leaf / the wooden stick
{Name} set {object} on the pond / {Name} laid {object} gently on the slow river
you set {object} on a pond
floated on top like a little ship / stayed on top of the water and drifted away
Light things float on water

it burns | In the kitchen
the toast / the pie / the cake / the pancake
{Name} forgot {object} on the fire / {Name} left {object} in the hot oven for much too long
you leave {object} in the oven too long
turned black and smelled of smoke / was as black as coal and nobody could eat it
Too much heat burns food

it bursts | A small surprise
the balloon / the soap bubble / the paper bag full of air / the old football
{Name} poked {object} with a pin / {Name} pushed a sharp thorn into {object}
you poke {object} with a pin
burst with a bang / popped, and all the air was out
A sharp point lets the air out

it overflows | Housework
the bath / the sink / the bucket / the tub
{Name} forgot to turn off the tap over {object} / The tap ran into {object} all morning
the tap keeps running into {object}
filled up and spilled over the edge / was too full, and the floor was under water
A full thing cannot hold more water

it blows away | Out and about
the hat / the letter / the paper kite / the napkin
A strong wind caught {object} in {name}'s hand
/ {Name} did not hold {object}, and the wind was strong
a strong wind catches {object}
flew up over the roofs and away / was carried off by the wind
The wind carries light things away

it hatches | On the farm
the hen's egg / the duck's egg / the robin's egg / the goose's egg
Day after day {name} saw the mother sit on {object} / The mother bird kept {object} warm for weeks
a bird keeps {object} warm for weeks
cracked, and a tiny beak came out / hatched, and a wet little head looked around
A young bird grows inside an egg
"""
