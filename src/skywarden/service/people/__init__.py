"""Named people: who they are, how they log in, and how what they do reaches the engine. docs/people.md."""
