"""What people do when something happens to them: needs, weather, feelings, and who helps with what.

REACTIONS, the lines of an entry: the need, as an answer to "what should one do?" | the label; three
wordings of the situation, of which the LAST is held out of the corpus; the situation in general
(after "if" or "when"); two endings.

HELPERS: the helper | the place of work | what the helper does; things that bring somebody there, the
LAST held out; two endings.

STORES: the place | the label; things kept there, the LAST held out; two endings.
"""

REACTIONS = """
drink some water | A warm day
{Name} had walked all day in the heat and {her} mouth was dry
/ {Name} was very thirsty after the race / The salty nuts had made {name} thirsty
you are thirsty
drank a tall glass of cold water / went to the well and drank and drank

eat something | At home
{Name} had eaten nothing since the morning / {Name} was so hungry that {her} stomach growled
/ It was long past lunch, and {name} had not had a bite
you are hungry
ate two slices of bread with cheese / had a big bowl of soup and an apple

go to sleep | At home
{Name} could not stop yawning / {Name} was so tired that {her} eyes kept closing
/ It was late at night, and {name} could hardly keep awake
you are tired
went to bed and fell fast asleep / lay down on the pillow and slept until morning

put on a warm coat | A cold day
An icy wind blew and {name} began to shiver
/ The frost was so hard that {name}'s fingers were blue
/ It was the coldest day of winter, and {name} was shaking
you feel cold
put on a thick coat and warm gloves / pulled a woollen hat over both ears

open an umbrella | A wet day
Dark clouds came up, and {name} felt the first drops / Heavy rain began to fall on {name}
/ It was pouring when {name} came to the door
it starts to rain
opened the big umbrella and stayed dry / walked on under the umbrella

sit in the shade | A warm day
The sun burned, and {name}'s face was red / {Name} felt the heat of the noon sun
/ At noon the sand was hot, and {name} was much too warm
the sun is too hot
sat down in the shade of a tree / put on a straw hat and looked for shade

turn on a lamp | At home
The sun had gone down, and {name} could not see the page / The room was dark when {name} came in
/ Night fell, and {name} could not see the table
it is dark
lit the lamp, and the room was bright / turned on the light by the door

say sorry | With friends
{Name} had broken a friend's toy / {Name} had stepped on somebody's foot
/ {Name} had spilled juice on a friend's drawing
you have hurt a friend
said sorry and meant it / asked to be forgiven with a red face

say thank you | With friends
A neighbour had given {name} a cake / A friend had helped {name} with the hard work
/ A kind man had found {name}'s lost cap
somebody helps you
said thank you with a smile / wrote a card with the words thank you

call the fire brigade | Out and about
{Name} saw thick smoke above the barn / {Name} saw flames behind a window
/ The roof next door was burning, and {name} saw it
a house is on fire
shouted and called the fire brigade / ran to the telephone and called for the fire engine

take a bath | At home
{Name} had fallen into the mud / {Name} was dirty from head to foot
/ {Name} came home with black hands and a black face
you are very dirty
got into a warm bath / filled the tub and washed off all the mud

put a plaster on it | At home
{Name} had a small cut on the finger / {Name} had cut one thumb on the can
/ There was blood on {name}'s knee after the fall
you cut your finger
washed the cut and put a plaster on it / held still while the bandage went on

ask the way | Out and about
{Name} did not know the way in the strange town / {Name} was lost between the tall houses
/ All the streets looked the same, and {name} was lost
you are lost
asked a policeman for the way / looked at the map and asked which way to go

run to the stop | Out and about
The bus was about to leave without {name}
/ {Name} saw the bus come and was still far from the stop
/ {Name} was late, and the bus would not wait
the bus is about to leave
ran to the stop and jumped in / ran as fast as possible and just got in

wrap a present | With friends
The next day was the birthday of {name}'s best friend / {Name} was asked to a birthday party
/ {Name}'s sister would be 8 years old on Sunday
a friend has a birthday
wrapped a present in bright paper / tied a red ribbon round the present

open the door | At home
Somebody knocked, and {name} heard it / {Name} heard the door bell ring
/ There were three knocks, and {name} jumped up
somebody knocks
opened the door and asked the visitor in / went to the door to see who was there

put a stamp on it | At home
{Name}'s letter was ready to go / {Name} had closed the envelope
/ {Name} had written to an aunt across the sea
you want to send a letter
put a stamp on it and took it to the post / found a stamp and went to the letter box

rock the cradle | At home
The baby woke up, and {name} heard it cry / The baby cried, and {name} was near
/ {Name}'s baby brother was crying in bed
a baby cries
rocked the cradle and sang a song / hummed softly until the crying stopped

put a log on the fire | A cold day
The fire was almost out, and {name} saw it / {Name} saw that only a small flame was left
/ The stove grew cold beside {name}
the fire is almost out
put two dry logs on the fire / blew on the embers and added some wood

set the alarm clock | At home
{Name} had to get up at 6 the next day / {Name}'s train would leave very early
/ {Name} did not want to sleep too long
you must get up early
set the alarm clock before going to bed / put the alarm clock beside the pillow

fly a kite | A windy day
A fine wind blew over the meadow, and {name} was glad / {Name} felt that the wind was just right
/ The wind blew hard on the hill, and {name} had some string
the wind blows over the meadow
let out the string, and the kite rose / flew the kite high over the trees

go down the hill on a sledge | A cold day
Deep snow lay on the hill, and {name} shouted with joy / Fresh snow had fallen, and {name} ran out
/ In the morning the hill was white, and {name} laughed
there is deep snow on the hill
pulled the sledge up and rode down / went down the hill on the sledge

learn for it | At school
There would be a test the next day, and {name} knew it / {Name} wanted to do well in the test
/ The teacher told {name} about a hard test
there is a test tomorrow
sat down and learned the lesson again / read the school book until it was all clear

close the window | At home
The wind blew rain into {name}'s room / Noise and cold air came in, and {name} did not like it
/ {Name} felt a cold draught in the room
cold air blows into the room
closed the window at once / got up and shut the window tight

mop it up | Housework
{Name} knocked over the milk / The cup fell over in front of {name}
/ A pool of juice lay on the floor before {name}
you spill milk on the floor
fetched a cloth and mopped it up / wiped up the puddle with a rag

feed it | With animals
{Name}'s cat cried in front of its empty dish / The dog looked at {name} and at its empty bowl
/ The kitten ran round {name} and asked for food
a pet is hungry
filled the dish with food / brought some food and a bowl of water

ask for help | With friends
The box was too heavy for {name} / {Name} could not lift the big table
/ The trunk would not move, and {name} was alone
a box is too heavy for you
asked a strong friend to lift one side / called somebody to help carry it

put on boots | A wet day
The path was full of puddles, and {name} wanted to go out
/ {Name} saw that the field was deep in mud / After the rain {name} had to cross the wet field
the path is full of mud
put on rubber boots and stepped out / pulled on high boots first
"""

HELPERS = """
a dentist | at the dental surgery | looks after teeth
a sore tooth / a loose tooth / a black spot on a tooth / a broken tooth
went to the dentist and opened wide / sat in the dentist's chair and said ah

a doctor | at the hospital | makes sick people well
a high fever / a bad cough / a sore throat / an aching ear
went to the doctor and got some medicine / saw the doctor, who listened to the heart

a vet | at the animal hospital | makes sick animals well
a sick puppy / a lame pony / a cat with a hurt paw / a bird with a broken wing
took the poor animal to the vet / let the vet put on a bandage for the animal

a baker | in the bakery | bakes bread
a basket without bread / a wish for fresh rolls / no bread for breakfast / a wish for warm buns
went to the baker and bought a loaf / smelled the warm loaves at the baker's

a tailor | in the tailor's shop | makes clothes
a jacket that was too wide / a suit that did not fit / a dress that was too long
/ trousers that were too short
went to the tailor, who took out pins and chalk / stood still while the tailor took the measure

a shoemaker | in the shoe shop | makes and mends shoes
a hole in one shoe / a lost heel / a boot that let in water / a loose sole
took it to the shoemaker for new leather / heard the shoemaker tap little nails into leather

a plumber | in houses with leaks | mends pipes
a dripping pipe / a tap that would not close / a blocked sink / a leak under the bath
called the plumber, who closed the leak / watched the plumber work on the pipe

a mechanic | in the garage | mends engines
a car that would not start / a strange noise in the engine / a smoking motor
/ a truck with a bad brake
asked the mechanic to look under the hood / saw the mechanic lie down under the wheels

a carpenter | in the wood shop | makes things of wood
a chair with three legs / a door that hung crooked / a broken bed / a table with a split top
asked the carpenter for a new piece of wood / watched the carpenter plane and join the wood

a librarian | in the library | lends books
a wish to read about whales / a wish for a new story / a book that was due
/ a question about old kings
asked the librarian and came home with two books / followed the librarian along the shelves

a hairdresser | in the hair salon | cuts hair
hair that was too long / hair full of knots / a fringe over both eyes
/ curls that would not lie flat
went to the hairdresser and looked in the mirror / sat still while the hairdresser snipped

an optician | in the eye shop | makes glasses
letters that looked blurred / a pair of cracked glasses / eyes that could not see far
/ trouble with small print
went to the optician and got new glasses / read rows of letters for the optician

a policeman | at the police station | catches thieves
a stolen purse / a stolen bicycle / a thief in the house / a stolen watch
told the policeman, who looked for the thief / went to the police and told all about the thief

a florist | in the flower shop | sells flowers
a wish to give mother a rose / an empty vase / a wedding without flowers
/ a wish for yellow tulips
went to the florist and chose a bunch / let the florist tie up a bunch of flowers

a watchmaker | in the clock shop | mends clocks
a watch that had stopped / a clock that was slow / a clock without hands / a clock that struck 13
gave it to the watchmaker, who opened the back / saw the watchmaker set the tiny wheels

a farmer | on the farm | grows food and keeps animals
no eggs in the house / a wish for fresh milk / a wish to see the calves
/ an empty sack for potatoes
walked to the farmer and bought some there / met the farmer beside the cows and the hens

a blacksmith | in the forge | shapes hot iron
a horse without a shoe / a broken iron gate / a bent iron bar / a broken plough
went to the blacksmith, who heated the iron / saw the blacksmith strike the red iron

a fisherman | on a boat | catches fish
a wish for fresh fish / an empty fish pan / a wish to see the big nets / a guest who ate only fish
went to the fisherman at the pier / waited until the fisherman came in with his nets

a chemist | in the chemist's shop | sells medicine
an empty bottle of cough syrup / a paper from the doctor / a need for pills / no more ointment
went to the chemist and came back with a bottle / gave the chemist the paper and got the pills

a teacher | at school | helps children to learn
a sum that was too hard / a word that made no sense / a poem to learn / a question about numbers
asked the teacher, who drew it on the board / put up a hand until the teacher came

a beekeeper | beside the hives | looks after bees
an empty honey jar / a swarm of bees in the tree / a wish for honey / a question about bees
went to the beekeeper and tasted the honey / called the beekeeper, who wore a veil

a postman | at the post office | brings letters and parcels
a parcel that did not come / a letter for a friend far away / a heavy parcel to send
/ a letter without a stamp
asked the postman about it / waited for the postman and his big bag
"""

STORES = """
the fridge
the milk / the cheese / the butter / the yoghurt
opened the fridge and made room on the cold shelf / put it in the fridge to stay fresh

the freezer
the ice cream / the bag of peas / the ice cake / the frozen fish
opened the freezer before it could thaw / laid it in the freezer, where all was frozen hard

the bookcase
the storybook / the atlas / the dictionary / the cookbook
found the gap in the bookcase / pushed it into the bookcase between two others

the wardrobe
the dress / the coat / the shirt / the jacket
opened the wardrobe and took an empty hanger / hung it up in the wardrobe

the money box
the coin / the pocket money / the silver coin / the gold coin
let it drop through the slot of the money box / heard it clink in the money box

the kitchen cupboard
the plate / the bowl / the cup / the teapot
set it in the kitchen cupboard with the other dishes / opened the kitchen cupboard above the sink

the toolbox
the hammer / the saw / the wrench / the screwdriver
laid it in the toolbox with the nails / opened the toolbox and put it with the others

the toy box
the teddy bear / the doll / the toy train / the wooden block
lifted the lid of the toy box / put it in the toy box until the next game

the dustbin
the empty packet / the potato peel / the broken bottle / the torn wrapper
threw it into the dustbin / lifted the lid of the dustbin and let it go

the laundry basket
the muddy sock / the dirty shirt / the used towel / the dirty apron
threw it into the laundry basket for the next wash / took it to the laundry basket

the vase
the tulips / the roses / the daffodils / the lilies
filled the vase with fresh water / cut the stems and used the tall vase

the photo album
the photograph / the picture of the sea / the old photo / the wedding picture
opened the photo album at an empty page / fixed it in the photo album with four corners

the pencil case
the pencil / the eraser / the pen / the ruler
put it in the pencil case for school / opened the pencil case and pulled the zip shut

the bread bin
the loaf / the roll / the crust / the bun
put it in the bread bin to keep it from getting dry / closed the bread bin over it

the sewing box
the needle / the thread / the thimble / the button
put it in the sewing box with the pins / opened the sewing box and found its place

the shed
the bicycle / the spade / the lawn mower / the rake
brought it to the shed and locked up / leaned it against the wall of the shed

the medicine chest
the box of pills / the cough syrup / the bandage / the ointment
locked it in the medicine chest, out of reach / put it in the medicine chest on the bathroom wall

the jewel box
the ring / the necklace / the brooch / the bracelet
laid it on the velvet of the jewel box / shut it up in the jewel box

the barn
the hay / the straw / the plough / the sack of oats
took it to the barn before the rain / stored it in the barn for the winter

the letter box
the letter / the postcard / the envelope / the birthday card
dropped it into the letter box / walked to the red letter box at the corner
"""
