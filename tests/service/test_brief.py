"""Answers that are kept for a short time: never longer, and not over a change that this process knows of."""

import threading
from concurrent.futures import ThreadPoolExecutor

from vistadream.service.brief import Brief


class Source:
    """What is asked: counts, and may change while it answers."""

    def __init__(self):
        self.asked, self.value, self.meanwhile = 0, "old", lambda: None

    def __call__(self, *question):
        self.asked += 1
        seen = self.value
        self.meanwhile()
        return (seen, *question)


def test_an_answer_counts_for_its_time_and_from_the_moment_of_asking():
    now_s, source = [100.0], Source()
    brief = Brief(source, 2.0, lambda: now_s[0])
    source.meanwhile = lambda: now_s.__setitem__(0, now_s[0] + 1.0)  # asking takes a second
    assert brief.kept("a") is None
    assert brief("a") == ("old", "a")
    source.value = "new"
    assert brief("a") == brief.kept("a").value == ("old", "a")
    assert brief("b") == ("new", "b"), "another question"
    now_s[0] = 102.0
    assert brief.kept("a") is None
    assert brief("a") == ("new", "a")
    assert source.asked == 3


def test_what_is_forgotten_while_it_is_asked_is_not_kept():
    source = Source()
    brief = Brief(source, 1000.0)

    def change():
        source.value, source.meanwhile = "new", lambda: None
        brief.forget()

    source.meanwhile = change
    assert brief() == ("old",), "the question was asked before the change"
    assert brief() == ("new",)
    assert brief() == ("new",)
    assert source.asked == 2


def test_of_many_threads_with_one_question_one_asks():
    entered, go_on, source = threading.Event(), threading.Event(), Source()
    source.meanwhile = lambda: (entered.set(), go_on.wait(30))
    brief = Brief(source, 1000.0)
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(brief, "a") for _ in range(8)]
        entered.wait(30)
        go_on.set()
        assert {answer.result() for answer in answers} == {("old", "a")}
    assert source.asked == 1


def test_however_many_questions_come_few_answers_are_kept():
    brief = Brief(Source(), 1000.0)
    for number in range(5000):
        brief(number)
    assert sum(brief.kept(number) is not None for number in range(5000)) <= 1000
    assert brief.kept(4999) is not None
