import pytest
from hypothesis import given
from hypothesis import strategies as st

from postroad.config.buckets import BucketAddress, parse_bucket


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("s3://mail", BucketAddress("mail", "", "", "us-east-1", False)),
        ("s3://mail/", BucketAddress("mail", "", "", "us-east-1", False)),
        (
            "s3://my.mail-1/some/prefix/?region=eu-central-1",
            BucketAddress("my.mail-1", "some/prefix", "", "eu-central-1", False),
        ),
        (
            "s3://mail/p?endpoint=https://s3.example.org:9000/&style=virtual",
            BucketAddress("mail", "p", "https://s3.example.org:9000", "us-east-1", True),
        ),
        (
            "s3://mail?endpoint=http%3A%2F%2F%5B%3A%3A1%5D%3A9000&style=path",
            BucketAddress("mail", "", "http://[::1]:9000", "us-east-1", False),
        ),
    ],
)
def test_addresses(url: str, address: BucketAddress) -> None:
    assert parse_bucket(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "s3:",
        "s3:mail",
        "s3://",
        "s3://m",
        "s3://Mail",
        "s3://-mail",
        "s3://mail:9000",
        "s3://[",
        "s3://mail/a//b",
        "s3://mail/../b",
        "s3://mail/a b",
        "s3://mail/" + "x" * 600,
        "s3://mail#x",
        "s3://mail?region=",
        "s3://mail?region=EU",
        "s3://mail?style=other",
        "s3://mail?endpoint=s3.example.org",
        "s3://mail?endpoint=ftp://s3.example.org",
        "s3://mail?endpoint=https://s3.example.org/path",
        "s3://mail?endpoint=https://s3.example.org:0",
        "s3://mail?endpoint=https://[",
        "s3://mail?region=eu&region=us",
        "s3://mail?secret=abcdef",
        "https://mail",
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ValueError, match=r"has|is not|Invalid"):
        parse_bucket(url)


@pytest.mark.parametrize(
    "url",
    [
        "s3://key:hidden@mail",
        "s3://mail?secret_access_key=hidden",
        "s3://mail?endpoint=https://key:hidden@s3.example.org",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"\A(?!.*hidden)"):
        parse_bucket(url)


@given(st.text("s3:/?&=#@.[]%abAB01 \0é", max_size=60))
def test_only_value_errors_come_out(text: str) -> None:
    for url in (text, f"s3://{text}", f"s3://mail?{text}", f"s3://mail?endpoint={text}"):
        try:
            address = parse_bucket(url)
        except ValueError:
            continue
        assert address.bucket
