"""In the place of torch, which takes seconds to load, in processes that want its threads alone."""

_threads = [8]  # as many as the machine has cores


def set_num_threads(number: int) -> None:
    _threads[0] = number


def get_num_threads() -> int:
    return _threads[0]
