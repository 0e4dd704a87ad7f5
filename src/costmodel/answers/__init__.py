"""Answers: the questions that users come with, computed from the built-in scenarios, each with an interval.

A question belongs to a document that raised it. Its answers say what holds, by how much, over which interval, and what
the figure rests on. Nothing is stored: every call runs the scenarios anew. :data:`costmodel.answers.registry.QUESTIONS`
lists the questions; ``costmodel answer`` prints them.
"""
