"""Worked examples from the literature, as votes; each says where it was printed."""

from collections.abc import Sequence

Votes = dict[str, dict[str, object]]


def rows(*answers: Sequence[object]) -> Votes:
    """Return votes from one row of answers per rater; a dot is no answer."""
    return {
        f"u{unit:02}": {
            f"r{rater}": row[unit] for rater, row in enumerate(answers) if row[unit] != "."
        }
        for unit in range(len(answers[0]))
    }


def counted(table: Sequence[Sequence[int]]) -> Votes:
    """Return votes from one row of counts per unit; who gave which does not matter."""
    votes: Votes = {}
    for unit, counts in enumerate(table):
        given = [category for category, count in enumerate(counts) for _ in range(count)]
        votes[f"u{unit:02}"] = {f"r{rater}": category for rater, category in enumerate(given)}
    return votes


# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), sections A to C.
KRIPPENDORFF_A = rows("0100000010", "1110010000")
KRIPPENDORFF_B = rows("aabbdcccedda", "babbbccceddd")
KRIPPENDORFF_C = rows("123321412...", "1233224125..", ".33323422513", "12332441251.")

# Cohen, A Coefficient of Agreement for Nominal Scales (1960), 200 cases: kappa .492.
COHEN = ((88, 14, 18), (10, 40, 10), (2, 6, 12))

# Fleiss, Measuring Nominal Scale Agreement Among Many Raters (1971), table 1: 30 patients, six
# psychiatrists each; kappa .430. Each digit is one diagnosis.
FLEISS_1971 = (
    "444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333"
    " 144444 224445 333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224"
    " 111155 224444 133333 555555"
).split()

# The table of 10 subjects and 14 raters that textbooks work through: kappa .210.
FOURTEEN = (
    (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1),
    (7, 7, 0, 0, 0), (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
)  # fmt: skip

# Dawid and Skene (1979), table 1: 45 patients; anaesthetist 1 three times, then 2 to 5 once.
DAWID_SKENE = (
    "1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444"
    " 2223343 1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221"
    " 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111"
    " 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111"
    " 2222222"
).split()
