"""YAML text to fleets and a policy, or all diagnostics with file, line and column.

text.py      bytes -> lines that are safe to read        page.py      lines, places and diagnostics
events.py    YAML events -> a tree with places           tree.py      the tree, and one laid under another
schema.py    tree -> findings, by the JSON Schema        explain.py   one schema error in our words
rules.py     findings beyond the schema                  build.py     tree -> Fleet and Policy
files.py     finding and opening files                   govern.py    which policy governs
queries.py   host.query, checked where it stands         first/       a repository's first spec, written for it
load.py      the conductor
"""
