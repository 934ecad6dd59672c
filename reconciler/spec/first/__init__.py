"""The first spec of a repository: written with every field explained, from nothing or from settings found elsewhere.

setting.py   a setting with its place              envfile.py   lines of NAME=value -> settings
nested.py    a tree of YAML or JSON -> settings    meanings.py  which setting means which field
readers.py   a setting -> fields of a spec         latency.py   the same for a latency check
settings.py  the conductor: file -> fields         lines.py     the lines of a first spec, with their comments
writing.py   lines and fields -> text              judging.py   the text, judged as any spec, each value at its place
"""
