"""The gate, and what follows a pass: asking a person, registering the version, making it champion, the model card.

The figures come from `evaluation`; what a person does by hand is in `commands`.
"""
