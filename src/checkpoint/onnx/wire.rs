//! Protocol buffers as they stand on the wire, as far as ONNX needs them.
//!
//! Nothing is copied and nothing recurses: a message is a list of fields, each a
//! number or a part of the bytes.

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value<'b> {
    Number(u64),
    /// Four or eight bytes.
    Fixed(&'b [u8]),
    /// A text, a message, or packed numbers.
    Bytes(&'b [u8]),
}

/// The fields of a message, in order; `None` where the bytes are no message.
pub(super) fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Value<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => Value::Fixed(taken(&mut bytes, 8)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Value::Bytes(taken(&mut bytes, length)?)
            }
            5 => Value::Fixed(taken(&mut bytes, 4)?),
            _ => return None,
        };
        fields.push((key >> 3, value));
    }
    Some(fields)
}

/// Whole numbers of a repeated field, packed or one at a time.
pub(super) fn numbers(value: Value<'_>) -> Option<Vec<i64>> {
    match value {
        Value::Number(number) => Some(vec![number as i64]),
        Value::Fixed(_) => None,
        Value::Bytes(mut packed) => {
            let mut numbers = Vec::new();
            while !packed.is_empty() {
                numbers.push(varint(&mut packed)? as i64);
            }
            Some(numbers)
        }
    }
}

impl<'b> Value<'b> {
    pub fn bytes(self) -> Option<&'b [u8]> {
        match self {
            Self::Bytes(bytes) | Self::Fixed(bytes) => Some(bytes),
            Self::Number(_) => None,
        }
    }

    pub fn text(self) -> Option<String> {
        Some(std::str::from_utf8(self.bytes()?).ok()?.to_owned())
    }

    pub fn float(self) -> Option<f64> {
        match self {
            Self::Fixed(bytes) => Some(f32::from_le_bytes(bytes.try_into().ok()?).into()),
            _ => None,
        }
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let [byte] = *taken(bytes, 1)? else {
            return None;
        };
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn taken<'b>(bytes: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_fields() {
        let bytes = b"\x08\x96\x01\x12\x02ab\x1d\0\0\xc0\x3f";
        let found = fields(bytes).unwrap();
        assert_eq!(found[0], (1, Value::Number(150)));
        assert_eq!(found[1].1.text().as_deref(), Some("ab"));
        assert_eq!(found[2].1.float(), Some(1.5));
        assert_eq!(numbers(Value::Bytes(b"\x03\x96\x01")), Some(vec![3, 150]));
        for broken in [
            &b"\x08"[..],
            b"\x12\x05a",
            b"\x0b",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(fields(broken), None);
        }
    }
}
