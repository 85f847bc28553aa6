"""Messages to people: the in-app Message Center and the outbox of e-mails are the same rows.

models: Message. service: `notify` (in the act's own transaction), delivery. queries: a person's messages.
"""
