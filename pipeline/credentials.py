"""URLs and messages without their secrets: logins, queries, fragments, and tokens in a path.

Who writes a password into a URL does not always escape its signs, so an @ counts up to the last one. A password that
begins like a port and a path (8080/...) and has an unescaped ? or # cannot be told from these.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"
LITERAL = "literal:"  # before a path of this machine that is taken as it stands: no field, no pattern, no URL
DATABASES = ("postgresql", "postgres", "mysql", "mssql", "sqlite")  # whose fragment names a table
SITES = ("http", "https")  # whose path may hold a token; that of a store holds digests
SECRET_NAMES = re.compile(r"pass|secret|token|key|sig|credential", re.IGNORECASE)
USER_AND_PASSWORD = re.compile(r"[^\s/?#@:]*:(?!\d*(/|\s|$))")  # a user name, and after the colon no port
LOGIN_IN_TEXT = re.compile(rf"://(?!/)({USER_AND_PASSWORD.pattern}\S*|[^\s?#]*)@")
QUERY_IN_TEXT = re.compile(r"(://[^\s?#]*)\?[^\s#]+")
SEPARATORS = re.compile(r"[/:?#@,&=\[\]\s]+")  # clients split URLs here, and may show one part
SHORT = 2  # characters; a part this short is hidden only as a word of its own
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KNOWN_TOKEN = re.compile(rf"(gh[opsur]_|github_pat_|glpat-|xox[a-z]-|hf_|eyJ)[\w.-]{{8,}}|{UUID}")
RUN = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")  # a word or a number
LONG_TOKEN, MANY_RUNS = 16, 7  # characters, and words and numbers in turn: edges20261105T030000Z has five


def without_login(url: str) -> str:
    """Return a URL that still leads where it led, without the user and the password."""
    scheme, mark, rest = url.partition("://")
    if not mark or rest.startswith("/"):
        return url
    return f"{scheme}://{rest[len(_login(url)) :].removeprefix('@')}"


def public(url: str) -> str:
    """Return a URL for a message or a record: without login, without query and fragment, tokens in its path hidden.

    What is no URL, such as a path, is returned as it is. The fragment of a database is kept: it names a table.
    """
    if url.startswith(LITERAL):
        return url.removeprefix(LITERAL)
    scheme, mark, rest = without_login(url).partition("://")
    if not mark or _is_path(url):
        return url
    path, query, fragment = _parts_of(rest)
    host, *names = path.split("/")
    if scheme.lower() in SITES:
        names = [HIDDEN if _is_token(name) else name for name in names]
    if fragment and not _is_database(url):
        fragment = "#..."
    return f"{scheme}://{'/'.join([host, *names])}{'?...' if len(query) > 1 else query}{fragment}"


def public_text(text: str, *urls: str) -> str:
    """Return what a client says without any part of the secrets in URLs that it was given, and without other logins."""
    for url in urls:
        text = text.replace(url, public(url))
    text = QUERY_IN_TEXT.sub(r"\1?...", LOGIN_IN_TEXT.sub("://", text))
    for word in sorted({word for url in urls for word in _secrets(url)}, key=len, reverse=True):
        alone = rf"(?<!\w){re.escape(word)}(?!\w)"
        text = text.replace(word, HIDDEN) if len(word) > SHORT else re.sub(alone, HIDDEN, text)
    return text


def _is_path(url: str) -> bool:
    """Return whether a URL without a host names a file; of a database other than SQLite, it names this machine's."""
    scheme, _, rest = url.partition("://")
    return rest.startswith("/") and (not _is_database(url) or scheme.lower().startswith("sqlite"))


def _is_database(url: str) -> bool:
    return url.partition("://")[0].partition("+")[0].lower() in DATABASES


def _login(url: str) -> str:
    """Return the part before the last @ that can belong to the login."""
    rest = url.partition("://")[2]
    if rest.startswith("/"):
        return ""
    if not _is_database(url) and not USER_AND_PASSWORD.match(rest):
        rest = rest.partition("/")[0]  # an @ further on, in a path, is none
    return rest.rpartition("@")[0]


def _parts_of(rest: str) -> tuple[str, str, str]:
    """Return path, query and fragment of a URL without scheme and login, the last two with their sign."""
    before, sign, fragment = rest.partition("#")
    path, mark, query = before.partition("?")
    return path, mark + query, sign + fragment


def _is_token(name: str) -> bool:
    if KNOWN_TOKEN.search(name):
        return True
    chunks = [chunk for chunk in re.split(r"[-_.~]", name) if re.search("[0-9]", chunk)]
    return any(len(chunk) >= LONG_TOKEN and len(RUN.findall(chunk)) >= MANY_RUNS for chunk in chunks)


def _secrets(url: str) -> set[str]:
    """Return each secret of a URL, whole and in parts, as written and unescaped."""
    scheme, mark, rest = without_login(url).partition("://")
    if not mark or _is_path(url):
        return set()
    user, _, password = _login(url).partition(":")
    path, query, fragment = _parts_of(rest)
    asked = [pair.partition("=") for pair in query.removeprefix("?").split("&")]
    whole = [password, *(value or name for name, _, value in asked if not value or SECRET_NAMES.search(name))]
    users = [user, *(value for name, _, value in asked if name == "user")]
    if _is_database(url):
        # User, server and database often share a name. libpq quotes the user's, so it is hidden only in quotes.
        return _words(whole) | {f'"{word}"' for word in _words(users)}
    tokens = [name for name in path.split("/")[1:] if scheme.lower() in SITES and _is_token(name)]
    # The account of every site that serves git is called git, and so is the command.
    return _words([*whole, *users, *tokens, fragment.removeprefix("#")]) - {"git"}


def _words(secrets: list[str]) -> set[str]:
    known = {form for word in secrets for form in (word, unquote(word))}
    return {part for word in known for part in (word, *SEPARATORS.split(word)) if part}
