"""Telling the state's other systems, by signed requests, that the status of a participant or an event has changed.

models: Webhook and what is to be delivered to it; a trigger of the database writes that, in the transaction of the
change. rules: which addresses may be told, what a request says and how it is signed. service: what an Administrator
does. delivery, posting: sending, at least once.
"""
