"""What the commands show, as data for programs: dictionaries, lists, texts and numbers, as JSON has
them. docs/json.md says what each has."""
