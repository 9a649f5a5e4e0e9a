"""Work to be done: the tools for it and the places for it, one entry each.

The lines of an entry: the tool or place | the label of the scene | the task, with {object}; how
it looks; the objects, of which the LAST is held out of the corpus together with this task; two
endings of a scene (no subject, no full stop, nothing that names the object); what is true
afterwards. A line that begins with "/" goes on with the line before.
"""

TOOLS = """
a broom | Housework | sweep {object}
It has a long handle and stiff bristles
the kitchen floor / the hall / the path / the steps
took the broom and brushed the dust into a heap / fetched the broom and swept up every crumb
Soon there was not a crumb to be seen

a bar of soap | Housework | wash {object}
It makes white foam and takes off dirt
the muddy socks / the dirty shirt / the old coat / the curtain
took the soap and rubbed until the dirt was gone / used soap and warm water until the foam was white
Everything was clean and smelled fresh

a needle | Housework | mend {object}
It is thin and sharp and has a small eye for the thread
the torn sleeve / the old coat / the doll's dress / the curtain
took the needle and made small neat stitches / threaded the needle and sewed until the hole closed
The hole could not be seen any more

a key | Housework | unlock {object}
It is a small piece of metal with teeth
the front door / the old chest / the gate / the shed
took the key and turned it until the lock clicked / put the key into the lock and turned it
The lock opened at once

a knife | In the kitchen | slice {object}
It has a handle and a sharp blade
the bread / the cheese / the cake / the apple pie
took the knife and cut thin pieces / used the sharp knife with care
There was a piece for everyone

a spoon | In the kitchen | stir {object}
It has a long handle and a round bowl at the end
the soup / the porridge / the tea / the cocoa
took the spoon and went round and round / moved the spoon in slow circles
There were no lumps

an oven | In the kitchen | bake {object}
It is a hot box with a door
the bread / the apple pie / the biscuits / the cake
heated the oven and waited for the warm smell / put the tin in the oven and closed the door
It smelled good in every room

a spade | In the garden | dig {object}
It has a wide blade and a strong handle
a hole / a ditch / a pit / a little pond
took the spade and threw the earth aside / pushed the spade into the soil again and again
Soon it was deep enough

a watering can | In the garden | water {object}
It has a long spout with many little holes
the roses / the beans / the young trees / the tulips
filled the watering can and let the drops fall / took the watering can from plant to plant
The dry soil turned dark and wet

a ladder | In the garden | reach {object}
It has two long poles and many steps between them
the roof / the top of the wall / the ripe apples / the high window
leaned the ladder up and climbed step by step / set up the ladder and went to the top
From up there one could see the whole street

a hammer | In the workshop | nail down {object}
It has a heavy metal head
the boards / the lid of the box / the loose step / the sign
took the hammer and hit each nail on the head / swung the hammer until each nail was in
Nothing moved any more

a saw | In the workshop | cut through {object}
It has a long blade with sharp teeth
the plank / the log / the thick branch / the boards
took the saw while the dust fell like snow / pulled the saw to and fro
Two pieces lay on the ground

a paintbrush | In the workshop | paint {object}
It has soft hairs that hold colour
the fence / the front door / the little boat / the shed
took the paintbrush and began at the top / dipped the paintbrush in the blue tin
The new colour shone in the sun

a pen | At the table | write {object}
It holds ink and has a fine point
a letter / a story / a list / a poem
took the pen and filled the page / dipped the pen in ink and began
The page was full from top to bottom

a torch | Out and about | light up {object}
It has a small bulb and a battery
the cave / the cellar / the dark path / the attic
switched on the torch and a bright beam fell ahead / held up the torch and the shadows went away
Now every corner could be seen

a telescope | Out and about | look at {object}
It is a long tube that makes far things look near
the moon / the far ship / the stars / the far hills
put one eye to the telescope and turned it slowly / set up the telescope and held it still
It seemed near enough to touch
"""

STORES = """
the fridge | In the kitchen | keep {object} cold
It hums softly and is cold inside
the milk / the cheese / the butter / the juice
opened the fridge and made room on the shelf / found a place in the fridge
It stayed fresh for days

the money box | At home | save {object}
It has a slot at the top
the coin / the pocket money / the silver coin / the gold coin
opened the slot of the money box / filled the money box a little more
It made a clinking sound

the dustbin | In the kitchen | throw away {object}
It has a lid, and it is emptied every week
the empty packet / the potato peel / the broken bottle / the torn bag
lifted the lid of the dustbin / went to the dustbin and closed it again
Then the table was clean

the letter box | Out and about | post {object}
It is red and stands at the corner of the street
the letter / the postcard / the big envelope / the birthday card
walked to the letter box at the corner / went to the letter box before it was emptied
The next day it was far away

the jewel box | At home | hide {object}
It is small and lined with velvet
the ring / the necklace / the brooch / the bracelet
opened the jewel box and shut it with a click / lifted the velvet of the jewel box
Nobody could find it there

the barn | On the farm | store {object} for the winter
It is the biggest house of a farm
the hay / the straw / the sack of oats / the sack of beans
walked to the barn and back / opened the wide doors of the barn
It stayed dry in the rain and the snow

the vase | At the table | put {object} in water
It is tall and made of glass
the cut tulips / the cut roses / the daffodils / the cut lilies
filled the vase up to the neck / took the vase from the shelf
The room looked bright at once
"""
