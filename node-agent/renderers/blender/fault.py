"""A reason why a picture cannot be made or would be wrong: a code of the farm's table and one line with the way out."""


class Fault(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = " ".join(str(message).split())[:1000]
