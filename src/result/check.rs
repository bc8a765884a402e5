//! Numbers of a result that is read back, before anything is drawn from them.

use serde_json::Value;

/// The largest count that a result holds: more than any network or data set has.
const MOST: u64 = 1 << 40;

/// Keys whose numbers are no counts: any is good, as none is counted up to.
const NO_COUNTS: [&str; 4] = [
    "seed",
    "training_seed",
    "peak_memory_bytes",
    "expected_memory_bytes",
];

/// The most of what is drawn one by one, by the key.
const DRAWN: [(&str, u64); 6] = [
    ("each", 10_000),
    ("image", 10_000),
    ("layers", 10_000_000),
    ("shape", MOST),
    ("folds", 10_000_000),
    ("levels", 10_000),
];

/// Refuses a number that no result holds.
///
/// # Errors
/// The field, its value and what is expected, in words.
pub fn check(result: &Value) -> Result<(), String> {
    walk(result, &mut Vec::new(), MOST)
}

fn walk<'a>(value: &'a Value, path: &mut Vec<&'a str>, most: u64) -> Result<(), String> {
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            let drawn = DRAWN.iter().find(|(name, _)| name == key);
            path.push(key);
            let most = drawn.map_or(MOST, |(_, most)| *most);
            if !NO_COUNTS.contains(&key.as_str()) {
                walk(value, path, most)?;
            }
            path.pop();
            Ok(())
        }),
        Value::Array(list) => list.iter().try_for_each(|value| walk(value, path, most)),
        Value::Number(number) => {
            let size = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
            match size.filter(|size| *size > most) {
                None => Ok(()),
                Some(_) => Err(format!(
                    "`{}` is {number}; it is at most {most}",
                    path.join(".")
                )),
            }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_number_that_no_result_holds_is_named() {
        let good =
            json!({"seed": u64::MAX, "strongest": {"each": 5}, "x": [1e300, -3, 1_u64 << 40]});
        assert_eq!(check(&good), Ok(()));
        let said = check(&json!({"strongest": {"each": i64::MAX}})).unwrap_err();
        assert_eq!(
            said,
            "`strongest.each` is 9223372036854775807; it is at most 10000"
        );
        assert!(
            check(&json!({"a": [{"b": i64::MIN}]}))
                .unwrap_err()
                .starts_with("`a.b` is -9")
        );
    }
}
