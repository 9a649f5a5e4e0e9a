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

it dries up | In the garden
the fern / the rose / the tomato plant / the sunflower
{Name} forgot to give {object} any water / There was no rain, and {name} did not water {object}
nobody waters {object}
drooped and its leaves went dry / hung its head and lost its leaves
A plant needs water to live

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

it goes bad | In the kitchen
the milk / the cream / the fish / the meat
{Name} left {object} in the warm room for a week
/ Nobody thought of {object}, and the week was hot
you leave {object} in a warm room for a week
went bad and had a nasty smell / smelled so bad that it had to be thrown away
Food stays fresh longer when it is cold

it bursts | A small surprise
the balloon / the soap bubble / the paper bag full of air / the old football
{Name} poked {object} with a pin / {Name} pushed a sharp thorn into {object}
you poke {object} with a pin
burst with a bang / popped, and all the air was out
A sharp point lets the air out

it dissolves | In the kitchen
the sugar / the salt / the sugar lump / the honey
{Name} stirred {object} into the hot water
/ {Name} dropped {object} into the cup of hot tea and stirred
you stir {object} into hot water
dissolved and could not be seen any more / was gone from sight, but one could still taste it
Hot water dissolves many things

it boils | In the kitchen
the water in the pot / the soup / the milk in the pan / the jam
{Name} left {object} on the hot stove / {Name} lit a strong fire under {object}
you keep {object} on a hot stove
began to bubble and steam / boiled and made the lid dance
Liquids boil when they get very hot

it overflows | Housework
the bath / the sink / the bucket / the tub
{Name} forgot to turn off the tap over {object} / The tap ran into {object} all morning
the tap keeps running into {object}
filled up and spilled over the edge / was too full, and the floor was under water
A full thing cannot hold more water

it dries | Housework
the wet towel / the wet shirt / the wet coat / the wet blanket
{Name} hung {object} in the warm wind / {Name} put {object} on the line in the sunshine
you hang {object} in the warm wind
was dry before noon / lost all its water and was dry and stiff
Warm air carries the water away

it gets soaked | A small surprise
the book / the cushion / the teddy bear / the newspaper
{Name} left {object} outside, and it began to rain / {Name} let {object} fall into the stream
you leave {object} out in the rain
was soaked and dripped with water / got wet through and heavy
Paper and cloth soak up water

it runs away | On the farm
the rabbit / the hen / the pony / the goat
{Name} left the gate open behind {object} / The gate was not shut, and {object} saw it
you leave the gate open for {object}
ran out of the gate and away / was gone, and only its tracks were left
Animals go where they can

it ripens | In the garden
the green apple / the hard plum / the green tomato / the hard pear
{Name} let {object} hang in the sunshine for weeks / Week after week the sun shone on {object}
the sun shines on {object} for weeks
became ripe and sweet / ripened until it was soft and full of juice
Fruit needs sunshine to ripen

it blows away | Out and about
the hat / the letter / the paper kite / the napkin
A strong wind caught {object} in {name}'s hand
/ {Name} did not hold {object}, and the wind was strong
a strong wind catches {object}
flew up over the roofs and away / was carried off by the wind
The wind carries light things away

it stops | Out and about
the car / the bus / the tractor / the motor boat
{Name} saw that {object} had no fuel left / There was not a drop of fuel in {object}
{object} has no fuel left
slowed down and would not go on / coughed twice and came to a stop
An engine needs fuel to run

it sticks to the magnet | Making things
the pin / the iron nail / the paper clip / the needle
{Name} held a magnet over {object} / {Name} moved the big magnet near {object}
you hold a magnet over {object}
jumped up and hung on the magnet / stuck to the magnet and would not fall
A magnet pulls iron and steel

it bounces | Out and about
the rubber ball / the tennis ball / the basketball / the beach ball
{Name} threw {object} hard at the ground / {Name} let {object} fall from the wall onto the street
you throw {object} at the ground
bounced as high as a house / came up again and bounced on and on
Rubber and air push back

it tears | A small surprise
the sleeve / the skirt / the paper lantern / the pocket
{Name} caught {object} on a long thorn / {Name} pulled too hard, and a nail was stuck in {object}
{object} catches on a thorn
tore and had a big hole / ripped from top to bottom
Thin cloth and paper tear easily

it goes out | A small surprise
the candle / the camp fire / the lantern / the match
{Name} poured water on {object} / A gust of wind and rain hit {object} in front of {name}
you pour water on {object}
went out and left a thin line of smoke / hissed, and then there was no flame
A fire needs air and must stay dry

it rises | In the kitchen
the dough / the bread dough / the cake mix / the bun dough
{Name} put yeast in {object} and set it by the stove
/ {Name} left {object} with yeast in a warm place
you put yeast in {object} and keep it warm
rose to twice its size / swelled until it pushed up the cloth
Yeast makes small bubbles of air

it hatches | On the farm
the hen's egg / the duck's egg / the robin's egg / the goose's egg
Day after day {name} saw the mother sit on {object} / The mother bird kept {object} warm for weeks
a bird keeps {object} warm for weeks
cracked, and a tiny beak came out / hatched, and a wet little head looked around
A young bird grows inside an egg
"""
