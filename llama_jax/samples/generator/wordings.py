"""The wordings of the questions, five a relation.

{name}, {she} and {her} are somebody's, the other slots the fact's.
"""

WORDINGS: dict[str, tuple[str, ...]] = {
    "tool": (
        "Which tool do you need to {task}?",
        "{name} wants to {task}. What should {she} take?",
        "What do people use to {task}?",
        "What would help {name} to {task}?",
        "With what can one {task}?",
    ),
    "store": (
        "Where can you {task}?",
        "{name} wants to {task}. Where should {she} go?",
        "Where is the right place to {task}?",
        "Where do people {task}?",
        "Where would {name} {task}?",
    ),
    "effect": (
        "What happens if {cause}?",
        "What can you see when {cause}?",
        "If {cause}, what will happen?",
        "{name} asks what happens when {cause}. What is the answer?",
        "Suppose that {cause}. What happens then?",
    ),
    "need": (
        "What should you do when {cause}?",
        "If {cause}, what is the best thing to do?",
        "What is a wise thing to do if {cause}?",
        "Suppose that {cause}. What should you do?",
        "{name} asks what to do when {cause}. What will {her} teacher say?",
    ),
    "helper": (
        "Who can help with {object}?",
        "The trouble is {object}. Who should see to it?",
        "Whom should {name} ask about {object}?",
        "Whose work is it to see to {object}?",
        "{name} needs help because of {object}. Whom should {she} call?",
    ),
    "food": (
        "What does {one} eat most of all?",
        "Which food does {one} like best?",
        "What is the main food of {one}?",
        "{name} wants to feed {one}. What should {she} bring?",
        "A hungry {animal} is looking for food. What would it like most?",
    ),
    "home": (
        "Where does {one} live?",
        "Where is {one} at home?",
        "Where should {name} look for {one}?",
        "Where does {one} sleep?",
        "Where would you most likely find {one}?",
    ),
    "young": (
        "What is the young of {one} called?",
        "What do we call a very young {animal}?",
        "{name} sees {one} and its baby. What is the baby called?",
        "Which word means the baby of {one}?",
        "What was {one} when it was small?",
    ),
    "caller": (
        "Which animal is it when {call}?",
        "{name} hears an animal, and {call}. Which animal is it?",
        "An animal is near, and {call}. What is it?",
        "Listen, {call}! Which animal can that be?",
        "Which animal do you know by its call, because {call}?",
    ),
}
