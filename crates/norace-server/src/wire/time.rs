//! RFC 3339 times in UTC with microseconds.
//!
//! The date comes from the day number by Howard Hinnant's `civil_from_days` (chrono-compatible low-level date
//! algorithms): years begin in March, so that the leap day is the last of its year, and 400-year eras repeat exactly.

const MICROS_PER_DAY: u64 = 86_400_000_000;
/// The last microsecond of the year 9999; RFC 3339 has four digits for the year.
const LAST: u64 = 253_402_300_799_999_999;

/// Writes `micros` since 1970-01-01T00:00:00Z; later than the year 9999 is written as its last microsecond.
pub(crate) fn write(out: &mut Vec<u8>, micros: u64) {
    let micros = micros.min(LAST);
    let (year, month, day) = civil_from_days(micros / MICROS_PER_DAY);
    let of_day = micros % MICROS_PER_DAY;
    let seconds = of_day / 1_000_000;
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], seconds / 3600);
    digits(&mut text[14..16], seconds / 60 % 60);
    digits(&mut text[17..19], seconds % 60);
    digits(&mut text[20..26], of_day % 1_000_000);
    out.extend_from_slice(&text);
}

fn digits(out: &mut [u8], mut value: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).expect("a digit is below 10");
        value /= 10;
    }
}

/// Year, month and day of the day that many days after 1970-01-01.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    // Day 0 of the first era is 0000-03-01.
    let z = days + 719_468;
    let era = z / 146_097;
    let of_era = z % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(micros: u64, expect: &str) {
        let mut out = Vec::new();
        super::write(&mut out, micros);
        assert_eq!(std::str::from_utf8(&out).unwrap(), expect);
    }

    #[test]
    fn known_instants_are_written_as_rfc_3339_in_utc() {
        check(0, "1970-01-01T00:00:00.000000Z");
        check(951_782_399_999_999, "2000-02-28T23:59:59.999999Z");
        check(951_782_400_000_000, "2000-02-29T00:00:00.000000Z");
        check(951_868_800_000_001, "2000-03-01T00:00:00.000001Z");
        check(1_795_398_283_123_456, "2026-11-23T01:44:43.123456Z");
        check(4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z");
        check(4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z");
        check(253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z");
        check(u64::MAX, "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_day_before_it() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..292_200 {
            assert_eq!(super::civil_from_days(days), (year, month, day));
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 => 28 + u64::from(leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > last {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }
}
