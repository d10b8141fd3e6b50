"""Where each notebook of a lab lies, from the root of the project."""


def folder(language: str) -> str:
    """Returns the folder of a language's notebooks and glossary."""
    return "labs" if language == "en" else f"labs/{language}"


def notebook(name: str, language: str, is_playground: bool = False) -> str:
    """Returns the path of a notebook, for the lab's name without ending."""
    middle = "/playground" if is_playground else ""
    return f"{folder(language)}{middle}/{name}.ipynb"
