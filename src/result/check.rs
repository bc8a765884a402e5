//! Numbers of a result that is read back, before anything is drawn from them.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

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

/// Refuses a result with a number that none holds, as it is read: nothing of it is kept.
///
/// # Errors
/// The field, its value and what is expected, in words; or that it is no JSON.
pub fn check(result: &[u8]) -> Result<(), String> {
    let mut fault = None;
    let walk = Walk {
        path: &mut Vec::new(),
        fault: &mut fault,
        most: MOST,
    };
    let mut json = serde_json::Deserializer::from_slice(result);
    let read = walk.deserialize(&mut json).and_then(|()| json.end());
    match (fault, read) {
        (Some(fault), _) => Err(fault),
        (None, read) => read.map_err(|error| error.to_string()),
    }
}

/// One value of a result, and where in it that is.
struct Walk<'a> {
    path: &'a mut Vec<String>,
    fault: &'a mut Option<String>,
    /// What a whole number may be here.
    most: u64,
}

impl Walk<'_> {
    /// What lies within it, where whole numbers may be `most`.
    fn inner(&mut self, most: u64) -> Walk<'_> {
        Walk {
            path: self.path,
            fault: self.fault,
            most,
        }
    }

    fn number<E: Error>(self, number: impl fmt::Display, size: u64) -> Result<(), E> {
        if size <= self.most {
            return Ok(());
        }
        let (path, most) = (self.path.join("."), self.most);
        *self.fault = Some(format!("`{path}` is {number}; it is at most {most}"));
        Err(E::custom("a number that no result holds"))
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a result")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key::<String>()? {
            if NO_COUNTS.contains(&key.as_str()) {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            let drawn = DRAWN.iter().find(|(name, _)| *name == key);
            let most = drawn.map_or(MOST, |(_, most)| *most);
            self.path.push(key);
            fields.next_value_seed(self.inner(most))?;
            self.path.pop();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        let most = self.most;
        while list.next_element_seed(self.inner(most))?.is_some() {}
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.number(number, number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.number(number, number.unsigned_abs())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn checked(value: &Value) -> Result<(), String> {
        check(value.to_string().as_bytes())
    }

    #[test]
    fn a_number_that_no_result_holds_is_named() {
        let good =
            json!({"seed": u64::MAX, "strongest": {"each": 5}, "x": [1e300, -3, 1_u64 << 40]});
        assert_eq!(checked(&good), Ok(()));
        let said = checked(&json!({"strongest": {"each": i64::MAX}})).unwrap_err();
        assert_eq!(
            said,
            "`strongest.each` is 9223372036854775807; it is at most 10000"
        );
        assert!(
            checked(&json!({"a": [{"b": i64::MIN}]}))
                .unwrap_err()
                .starts_with("`a.b` is -9")
        );
    }
}
