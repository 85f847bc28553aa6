"""How hard a page is to read: the Flesch-Kincaid grade of its sentences, the school year that reads them with ease."""

import html
import re

_BLOCKS = re.compile(r"<(p|li|dd|td|summary|label)\b[^>]*>(.*?)</\1>", re.DOTALL)
_LEAST_WORDS = 5


def sentences_of(page: str) -> list[str]:
    """The sentences of the main part; not the statement, which is the state's own, nor single words and numbers."""
    main = page[page.index("<main") : page.index("</main>")] if "<main" in page else page
    main = re.sub(r"<blockquote.*?</blockquote>|<option.*?</option>", " ", main, flags=re.DOTALL)
    found = []
    for _, block in _BLOCKS.findall(main):
        text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", block)).split())
        found += [one for one in re.split(r"(?<=[.!?:;])\s+", text) if len(one.split()) >= _LEAST_WORDS]
    return list(dict.fromkeys(found))


def syllables(word: str) -> int:
    """Groups of vowels, a silent e at the end left out: near enough for an average."""
    word = word.lower()
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)


def grade(sentences: list[str]) -> float:
    """0.39 words a sentence + 11.8 syllables a word − 15.59."""
    words = [word for sentence in sentences for word in re.findall(r"[A-Za-z']+", sentence)]
    if not words:
        return 0.0
    return round(
        0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59,
        1,
    )
