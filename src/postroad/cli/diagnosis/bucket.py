"""The bucket of messages, where that is what `storage.blobs` names."""

from typing import TYPE_CHECKING

from postroad.cli.diagnosis.finding import Finding, Level

if TYPE_CHECKING:
    from postroad.app.program import Program


async def bucket(program: "Program") -> list[Finding]:
    """It can be listed, written, read and cleared, by a way that nobody listens to."""
    from postroad.app.blobs import bucket_fault, is_bucket, sends_in_the_clear

    if not is_bucket(program.settings):
        return []
    if (wrong := await bucket_fault(program.blobs)) is not None:
        fix = "see storage.blobs and storage.s3 in docs/how-to/s3.md"
        return [Finding(Level.FAIL, "bucket", wrong, fix)]
    if sends_in_the_clear(program.settings):
        what = "messages go to it without TLS"
        return [Finding(Level.WARN, "bucket", what, "set an endpoint that begins with https:")]
    return [Finding(Level.OK, "bucket", "it can be listed, written, read and cleared")]
