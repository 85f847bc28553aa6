"""Reports to be handed on: what an event came to, for a board, an auditor and a spreadsheet.

A report is read once, as plain values, and then written in any format: the numbers are the same in all of them.
"""
