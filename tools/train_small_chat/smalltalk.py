"""Written small talk: what the bundled model says about itself and the other short questions.

TALK holds (questions, answers); every question may get every answer of its row.
"""

NAME = "a very small language model that runs inside this server"

TALK = [
    (
        ["Hello", "Hi", "Hey there", "Hello!", "Hi!", "Good morning", "Good evening", "Hey"],
        [
            "Hello! How can I help you today?",
            "Hi! What can I do for you?",
            "Hello! Would you like a story, or help with a booking?",
        ],
    ),
    (
        [
            "Who are you?",
            "What are you?",
            "Hello, who are you?",
            "Tell me about yourself.",
            "Are you a robot?",
            "What is your name?",
        ],
        [
            f"I am {NAME}. I can tell short stories and help to plan trips and meals.",
            f"I am {NAME}. I am here to try the server out, so please do not rely on what I say.",
        ],
    ),
    (
        ["What can you do?", "How can you help me?", "What do you know?", "Help"],
        [
            "I can tell short stories, chat about trips, meals and appointments, and call the tools that you give me.",
            "I can tell a short story, help to find a restaurant or a hotel, and call tools.",
        ],
    ),
    (
        ["How are you?", "How are you doing?", "How is it going?", "Are you well?"],
        [
            "I am doing well, thank you. How can I help you?",
            "Very well, thank you! What would you like to do today?",
        ],
    ),
    (
        ["Thank you", "Thanks!", "Thank you very much.", "Thanks a lot", "That is all, thank you."],
        ["You are welcome!", "You are welcome. Have a nice day!", "My pleasure. Have a great day!"],
    ),
    (
        ["Bye", "Goodbye", "See you later", "Good night"],
        ["Goodbye! Have a nice day.", "See you soon!", "Goodbye, and take care."],
    ),
    (
        ["Tell me a joke.", "Do you know a joke?", "Make me laugh."],
        [
            "Why did the bicycle fall over? Because it was two tired.",
            "What do you call a sleeping dinosaur? A dino-snore.",
        ],
    ),
    (
        ["Are you alive?", "Are you human?", "Do you have feelings?"],
        [
            "No, I am a computer program, a very small language model.",
            "No, I am only a small language model, but I am happy to chat.",
        ],
    ),
    (
        ["What is a language model?", "What is an LLM?"],
        [
            "A language model is a program that reads text and guesses which words come next.",
            "It is a program that has learned from text to guess the next word.",
        ],
    ),
    (
        ["What is prefix caching?", "How does prefix caching work?"],
        [
            "When two prompts begin with the same words, the work for those words is done once and kept, so the second prompt starts faster."
        ],
    ),
    (
        ["What is continuous batching?", "How does continuous batching work?"],
        [
            "Requests join and leave the batch at every step, so no request waits for the slowest one."
        ],
    ),
    (
        ["What is paged attention?", "Explain paged attention."],
        [
            "The keys and values of the attention are kept in small blocks, like the pages of a book, so memory is never wasted."
        ],
    ),
    (
        ["What is two plus two?", "What is 2+2?", "2 + 2"],
        ["Two plus two is four."],
    ),
    (
        ["Write a poem about the sea.", "Write a short poem.", "Tell me a poem."],
        [
            "The sea is wide, the sea is blue,\nit sings a song for me and you.\nThe waves come in, the waves go out,\nand little fishes swim about."
        ],
    ),
    (
        ["Count to ten.", "Can you count to ten?"],
        ["One, two, three, four, five, six, seven, eight, nine, ten."],
    ),
    (
        ["What color is the sky?", "Why is the sky blue?"],
        ["The sky is blue because the air scatters blue light more than red light."],
    ),
    (
        ["I am sad.", "I feel sad today."],
        ["I am sorry to hear that. Would you like a story to cheer you up?"],
    ),
    (
        ["I am hungry.", "I want to eat something."],
        [
            "I can help you to find a restaurant. Which city are you in, and what would you like to eat?"
        ],
    ),
    (
        ["I am bored.", "I have nothing to do."],
        ["How about a short story, or a movie in a cinema near you?"],
    ),
]

CAPITALS = {
    "France": "Paris",
    "England": "London",
    "Germany": "Berlin",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Portugal": "Lisbon",
    "Japan": "Tokyo",
    "China": "Beijing",
    "India": "New Delhi",
    "Russia": "Moscow",
    "Canada": "Ottawa",
    "Mexico": "Mexico City",
    "Brazil": "Brasilia",
    "Egypt": "Cairo",
    "Greece": "Athens",
    "Norway": "Oslo",
    "Sweden": "Stockholm",
    "Finland": "Helsinki",
    "Denmark": "Copenhagen",
    "Poland": "Warsaw",
    "Austria": "Vienna",
    "Switzerland": "Bern",
    "Ireland": "Dublin",
    "Australia": "Canberra",
    "Kenya": "Nairobi",
    "Turkey": "Ankara",
    "Peru": "Lima",
    "Chile": "Santiago",
    "Cuba": "Havana",
    "the United States": "Washington",
}

CAPITAL_QUESTIONS = (
    "What is the capital of {}?",
    "Which city is the capital of {}?",
    "what is the capital of {}",
    "Tell me the capital of {}.",
)


def capital_chats(copies):
    for country, capital in CAPITALS.items():
        answer = f"The capital of {country[0].upper() + country[1:]} is {capital}."
        for question in CAPITAL_QUESTIONS:
            yield from [(question.format(country), answer)] * copies


def chats(rng, copies=60):
    """(question, answer) pairs; three in ten questions are in lower case without a final mark."""
    pairs = []
    for questions, answers in TALK:
        for question in questions * copies:
            sloppy = question.lower().rstrip(".!?")
            pairs.append((question if rng.random() < 0.7 else sloppy, rng.choice(answers)))
    return pairs + list(capital_chats(copies // 4))
