"""BINARYMIME (RFC 3030 section 3): content without lines, by BDAT only.

Its value of BODY is read with the others in `eightbitmime`, its refusal of DATA is in DATA.
"""

from postroad.sessions.smtp.context import Extension

EXTENSION = Extension("BINARYMIME", lambda context: "BINARYMIME")
