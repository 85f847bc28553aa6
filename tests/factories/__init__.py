"""Small worlds for tests, made directly through the models: a state, districts, people with roles, an event.

world = World(session)
lea = world.lea("001", "Adair County")
event = world.event([lea])
smith = world.certifier("smith", lea)
participant = world.participant(event, lea)
world.revision(participant)
"""

from tests.factories.world import OPENING, World

__all__ = ["OPENING", "World"]
