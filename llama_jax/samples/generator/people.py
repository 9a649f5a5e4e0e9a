"""What people do when something happens to them, and who helps with what.

REACTIONS, the lines of an entry: the need, as an answer to "what should one do?" | the label; three
wordings of the situation, of which the LAST is held out of the corpus; the situation in general
(after "if" or "when"); two endings.

HELPERS: the helper | the place of work | the work; what brings somebody there, the LAST held out;
two endings.
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

fly a kite | A windy day
A fine wind blew over the meadow, and {name} was glad / {Name} felt that the wind was just right
/ The wind blew hard on the hill, and {name} had some string
the wind blows over the meadow
let out the string, and the kite rose / flew the kite high over the trees
"""

HELPERS = """
a dentist | in the surgery | looks after teeth
a sore tooth / a loose tooth / a black tooth / a broken tooth
went to the dentist and opened wide / saw the dentist and was brave in the chair

a doctor | at the hospital | makes sick people well
a bad cough / a dry cough / a loud cough / a strange cough
went to the doctor and got some medicine / saw the doctor, who listened to the heart

a vet | at the animal hospital | makes sick animals well
a sick puppy / a lame puppy / a sad puppy / a weak puppy
went to the vet with a warm blanket / saw the vet, who was kind to the animal

a baker | in the bakery | makes bread
old bread / hard bread / too little bread / burnt bread
went to the baker and smelled the dough / saw the baker, who was white with flour

a shoemaker | in the shoe shop | mends shoes
a torn shoe / a shoe with a hole / a wet shoe / a broken shoe
went to the shoemaker and chose new leather / saw the shoemaker, who tapped in little nails

a plumber | in houses with leaks | mends pipes
a dripping pipe / a blocked pipe / a leaking pipe / a frozen pipe
called the plumber, who closed the leak / asked the plumber, who lay down under the sink

a mechanic | in the garage | mends engines
a noisy engine / a smoking engine / a dead engine / a slow engine
went to the mechanic and opened the hood / asked the mechanic, who had black hands

a librarian | in the library | lends books
a lost book / a torn book / a late book / a missing book
asked the librarian and went along the shelves / saw the librarian, who wrote down the title

a watchmaker | in the clock shop | mends watches
a slow watch / a broken watch / a watch without hands / a wet watch
went to the watchmaker and heard a hundred clocks / saw the watchmaker, who set the tiny wheels
"""
