"""Tools and the work they do: one entry per tool.

The lines of an entry: the tool | the label of the scene | a verb; how the tool looks; the objects
of the verb, of which the LAST is held out of the corpus together with this verb; two endings of a
scene (no subject, no full stop, nothing that names the object); what is true afterwards.
"""

TOOLS = """
a broom | Housework | sweep
It has a long handle and stiff bristles
the kitchen floor / the hall / the path / the steps
took the broom and brushed the dust into a heap / fetched the broom and swept up every crumb
Soon there was not a crumb to be seen

an iron | Housework | press
It has a flat metal plate that gets very hot
the shirt / the trousers / the tablecloth / the curtain
warmed the iron and smoothed out every crease / moved the hot iron slowly over the cloth
Not one crease was left

a towel | Housework | dry
It is a soft cloth that soaks up water
the plates / the cups / the wet dog / the spoons
took a clean towel and rubbed until nothing was wet
/ reached for the towel and wiped off the drops
No drop of water was left

a bar of soap | Housework | wash
It makes white foam and takes off dirt
the muddy socks / the sticky hands / the dirty shirt / the greasy pan
used warm water and a bar of soap until the dirt was gone
/ rubbed with soap until the foam was white
Everything was clean and smelled fresh

a needle | Housework | mend
It is thin and sharp and has a small eye for the thread
the torn sleeve / the old coat / the doll's dress / the pocket
threaded the needle and made small neat stitches
/ sewed with needle and thread until the hole closed
The hole could not be seen any more

a key | Housework | unlock
It is a small piece of metal with teeth
the front door / the old chest / the gate / the cupboard
turned the key until the lock clicked / put the little key into the lock and turned it
The lock opened at once

a comb | Housework | untangle
It has many thin teeth in a row
the doll's hair / the pony's mane / the long wet hair / the dog's coat
drew the comb gently through the knots / took the comb and pulled out one knot after another
In the end all the hair lay smooth

a knife | In the kitchen | slice
It has a handle and a sharp blade
the bread / the cheese / the cake / the melon
took the sharp knife and cut even pieces / used the knife with care and made thin pieces
There was a piece for everyone

a spoon | In the kitchen | stir
It has a long handle and a round bowl at the end
the soup / the porridge / the tea / the sauce
took the long spoon and went round and round / moved the wooden spoon in slow circles
It was smooth and there were no lumps

a kettle | In the kitchen | make
It has a lid and a spout and it whistles when the water boils
the tea / the hot cocoa / the coffee / the mint tea
filled the kettle and waited until it whistled
/ put the kettle on and poured out the boiling water
Steam rose from every cup

an oven | In the kitchen | bake
It is a hot box with a door
the bread / the apple pie / the biscuits / the cake
put the tin in the oven and closed its door / heated the oven and waited for the warm smell
It came out brown and crisp

a pair of scales | In the kitchen | weigh
It shows how heavy a thing is
the flour / the sugar / the plums / the butter
set the scales on the table and read the number / used the scales and watched the pointer move
It was just the right amount

a rolling pin | In the kitchen | flatten
It is a smooth round piece of wood with two handles
the dough / the pastry / the biscuit mix / the pie crust
dusted the rolling pin with flour and rolled it to and fro
/ leaned on the rolling pin until all was thin
It was as thin as a coin

a spade | In the garden | dig
It has a wide blade and a strong handle
a hole / a ditch / a pit / a bed for the beans
pushed the spade into the earth and lifted out the soil / took the spade and threw the earth aside
Soon it was deep enough

a rake | In the garden | gather up
It has a long handle and a row of metal teeth
the dry leaves / the cut grass / the hay / the fallen twigs
took the rake and pulled everything into a pile / drew the rake over the lawn again and again
A big pile stood under the tree

a watering can | In the garden | water
It has a long spout with many little holes
the roses / the beans / the young trees / the tomatoes
filled the watering can and let the drops fall / carried the watering can from plant to plant
The dry soil turned dark and wet

a wheelbarrow | In the garden | move
It has one wheel and two handles
the heavy stones / the logs / the sacks of soil / the bricks
loaded the wheelbarrow and pushed it along / filled the wheelbarrow and lifted its two handles
It took only three trips

a pair of shears | In the garden | trim
It has two long blades that close on each other
the hedge / the bush / the tall grass / the ivy
opened and closed the shears and clipped away / took the big shears and snipped off the long ends
It looked neat and even

a ladder | In the garden | reach
It has two long poles and many steps between them
the roof / the top of the wall / the ripe apples / the high window
leaned the ladder up and climbed step by step / set up the ladder and went to the top of it
From up there one could see the whole street

a bucket | In the garden | fetch
It is round and open at the top and has a handle
some water from the well / some sand / some milk for the calf / some water from the stream
filled the bucket to the brim and carried it back / took the bucket by its handle and filled it up
Hardly a drop was spilled

a hammer | In the workshop | nail down
It has a heavy metal head
the boards / the lid of the box / the loose step / the sign
took the hammer and hit each nail on the head / swung the hammer until each nail was in
Nothing moved any more

a saw | In the workshop | cut through
It has a long blade with sharp teeth
the plank / the log / the thick branch / the beam
pulled the saw to and fro until the wood fell apart / took the saw while the dust fell like snow
Two pieces lay on the ground

a screwdriver | In the workshop | tighten
Its tip fits into the slot of a screw
the screws of the chair / the loose screw / the screws of the lamp / the screws of the shelf
set the screwdriver in the slot and twisted it hard
/ turned the screwdriver until each screw sat firm
Nothing shook any more

a paintbrush | In the workshop | paint
It has soft hairs that hold colour
the fence / the door / the little boat / the shed
dipped the paintbrush in the blue tin and covered every spot
/ took the wide paintbrush and began at the top
The new colour shone in the sun

a ruler | In the workshop | measure
It is straight and has small marks and numbers
the table / the cloth / the window / the board
laid the ruler along the edge and read the number / used the ruler and wrote down the length
It was 90 long and 60 wide

a pair of scissors | Making things | cut out
It has two blades and two rings for the fingers
the paper stars / the picture / the paper mask / the paper flowers
took the scissors and followed the line / opened the scissors and snipped round the edge
The scraps lay on the floor

some glue | Making things | stick together
It is wet at first and hard when it dries
the broken cup / the torn page / the model ship / the paper crown
put some glue on both sides and pressed them tight
/ spread the glue thinly and held on until it was dry
It held as well as before

a pen | Making things | write
It holds ink and has a fine point
a letter / a story / a list / a poem
took a pen and filled the page with neat words / dipped the pen in ink and began the first line
The page was full from top to bottom

an eraser | Making things | rub out
It is a small soft block of rubber
the wrong word / the pencil line / the bad drawing / the spelling mistake
took the eraser and rubbed until the paper was white / moved the eraser over the pencil marks
Nothing could be seen on the paper

a box of crayons | Making things | colour
It holds sticks of red, blue, green and yellow
the picture / the map / the drawing of a castle / the birthday card
took the crayons and filled in red and blue / chose the green crayon first and then the yellow one
It was the brightest page of all

a net | By the water | catch
It is made of string with many holes
the butterfly / the crab / the little fish / the dragonfly
swung the net and closed it quickly / crept near and lowered the net without a sound
A moment later it was free again

a rope | By the water | tie up
It is long and strong and made of twisted threads
the boat / the goat / the bundle of sticks / the raft
wound the rope round twice and made a knot / took the rope and pulled the knot tight
The knot held all night

a pair of oars | By the water | row
Each one is a long pole with a flat blade
across the lake / to the island / along the shore / to the far bank
dipped the oars into the water and pulled / leaned back with the oars and pulled hard
The water made small waves behind them

a pump | Out and about | blow up
It pushes air through a thin tube
the flat tyre / the football / the rubber ring / the air bed
fixed the pump and pushed the air in / worked the pump up and down until all was full of air
It was round and firm

a torch | Out and about | light up
It has a small bulb and a battery
the cave / the dark cellar / the night path / the attic
switched on the torch and a bright beam fell ahead / held up the torch and the shadows went away
Now every corner could be seen

a compass | Out and about | find
Its needle always points to the north
the way north / the way out of the forest / the way in the fog / the way back to camp
looked at the compass and followed its needle / held the compass flat until the needle stood still
Before dark they were on the right road

a magnifying glass | Out and about | look closely at
It makes small things look big
the ant / the tiny print / the petal / the beetle
held the magnifying glass over it and saw every detail / bent down with the magnifying glass
It looked as large as a hand

a telescope | Out and about | look at
It is a long tube that makes far things look near
the moon / the distant ship / the stars / the far mountain
put one eye to the telescope and turned it slowly
/ pointed the telescope and saw far away things near
It seemed near enough to touch
"""
