//! The stack machine of pickles, as far as files of tensors need it.
//!
//! The opcodes are those that Python's `pickletools` lists, of protocols 0 to 4. A
//! class or function that rebuilds no tensor becomes a value that is never looked
//! into; its name is kept, and nothing is called.

use std::collections::HashMap;

use super::Fault;
use super::callable;
use super::value::{Callable, Id, Value, Values};

/// A pickle of more instructions than this is refused. A tensor takes about
/// forty, so this is room for fifty thousand.
const MOST_STEPS: usize = 2 << 20;
/// No callable takes more arguments.
const MOST_ARGUMENTS: usize = 16;

/// Reads the pickle at the start of `bytes`, and says how long it is.
pub(super) fn run(bytes: &[u8]) -> Result<(Values, usize), Fault> {
    let mut machine = Machine {
        rest: bytes,
        values: Values::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    for _ in 0..MOST_STEPS {
        let at = bytes.len() - machine.rest.len();
        let [code] = machine.take().ok_or_else(|| cut_short(at))?;
        if code == b'.' {
            machine.values.root = machine.stack.pop().ok_or_else(|| misplaced(code, at))?;
            return Ok((machine.values, at + 1));
        }
        machine.step(code, at)?;
    }
    let detail = format!("its pickle has more than {MOST_STEPS} instructions");
    Err(Fault::Broken(detail))
}

struct Machine<'b> {
    rest: &'b [u8],
    values: Values,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: HashMap<usize, Id>,
}

fn cut_short(at: usize) -> Fault {
    Fault::Broken(format!("its pickle is cut short at byte {at}"))
}

fn misplaced(code: u8, at: usize) -> Fault {
    let detail = format!("instruction 0x{code:02x} at byte {at} of its pickle does not fit there");
    Fault::Broken(detail)
}

impl<'b> Machine<'b> {
    /// One instruction; those without operands first.
    fn step(&mut self, code: u8, at: usize) -> Result<(), Fault> {
        let done = match code {
            b'(' => {
                self.marks.push(self.stack.len());
                Some(())
            }
            b'N' => self.push_id(Values::NONE),
            b')' => self.push_id(Values::EMPTY_TUPLE),
            0x88 => self.push_id(Values::TRUE),
            0x89 => self.push_id(Values::FALSE),
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            0x8f => self.push(Value::Opaque),
            b'd' => self.since_mark().and_then(|all| {
                self.push(Value::Dict(Vec::new()))?;
                self.set(&all)
            }),
            b'l' => self
                .since_mark()
                .and_then(|all| self.push(Value::List(all))),
            b'0' => self.popped(1).map(|_| ()),
            b'2' => self.top().copied().and_then(|id| self.push_id(id)),
            // Members of a set.
            0x90 => self.since_mark().map(|_| ()),
            b't' => self.since_mark().and_then(|all| self.tuple(all)),
            0x85..=0x87 => self
                .popped(usize::from(code - 0x84))
                .and_then(|all| self.tuple(all)),
            b'a' => self.popped(1).and_then(|all| self.append(all)),
            b'e' => self.since_mark().and_then(|all| self.append(all)),
            b's' => self.popped(2).and_then(|all| self.set(&all)),
            b'u' => self.since_mark().and_then(|all| self.set(&all)),
            b'b' => self.build(),
            // Calls, and new objects of a class.
            b'R' | 0x81 => return self.reduce(code, at),
            0x92 => return self.new_with_keywords(code, at),
            b'Q' => self.persistent(),
            b'c' | 0x93 => return self.global(code, at),
            0x94 => self.memorise(self.memo.len()),
            _ => return self.operand(code, at),
        };
        done.ok_or_else(|| misplaced(code, at))
    }

    /// An instruction that bytes of its own follow.
    fn operand(&mut self, code: u8, at: usize) -> Result<(), Fault> {
        let done = match code {
            // Protocol, and the length of a frame: neither matters.
            0x80 => self.take::<1>().map(|_| ()),
            0x95 => self.take::<8>().map(|_| ()),
            b'K' => self
                .take()
                .map(u8::from_le_bytes)
                .and_then(|x| self.integer(x)),
            b'M' => self
                .take()
                .map(u16::from_le_bytes)
                .and_then(|x| self.integer(x)),
            b'J' => self
                .take()
                .map(i32::from_le_bytes)
                .and_then(|x| self.integer(x)),
            0x8a => self.length(1).and_then(|n| self.long(n)),
            0x8b => self.length(4).and_then(|n| self.long(n)),
            b'G' => self
                .take()
                .map(f64::from_be_bytes)
                .and_then(|x| self.push(Value::Float(x))),
            b'X' => self.length(4).and_then(|n| self.text(n)),
            0x8c => self.length(1).and_then(|n| self.text(n)),
            0x8d => self.length(8).and_then(|n| self.text(n)),
            // Strings of Python 2, and bytes: text where they are UTF-8.
            b'U' | b'C' => self.length(1).and_then(|n| self.string(n)),
            b'T' | b'B' => self.length(4).and_then(|n| self.string(n)),
            0x8e => self.length(8).and_then(|n| self.string(n)),
            b'S' | b'V' => self.line().and_then(|line| self.quoted(&line)),
            b'I' | b'L' => self.line().and_then(|line| self.written(&line)),
            b'F' => self
                .line()
                .and_then(|line| self.push(Value::Float(line.parse().ok()?))),
            b'p' => self.slot().and_then(|slot| self.memorise(slot)),
            b'g' => self.slot().and_then(|slot| self.recall(slot)),
            b'q' => self.length(1).and_then(|slot| self.memorise(slot)),
            b'r' => self.length(4).and_then(|slot| self.memorise(slot)),
            b'h' => self.length(1).and_then(|slot| self.recall(slot)),
            b'j' => self.length(4).and_then(|slot| self.recall(slot)),
            _ => {
                let detail = format!("its pickle has the instruction 0x{code:02x} at byte {at}");
                return Err(Fault::Broken(format!(
                    "{detail}, which tensors do not need"
                )));
            }
        };
        done.ok_or_else(|| misplaced(code, at))
    }

    fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    /// A number of `count` bytes, little-endian: a length or a slot of the memo.
    fn length(&mut self, count: usize) -> Option<usize> {
        let bytes = self.bytes(count)?;
        Some(
            bytes
                .iter()
                .rev()
                .fold(0, |n, byte| n << 8 | usize::from(*byte)),
        )
    }

    fn push_id(&mut self, id: Id) -> Option<()> {
        self.stack.push(id);
        Some(())
    }

    fn push(&mut self, value: Value) -> Option<()> {
        let id = self.values.add(value);
        self.push_id(id)
    }

    fn integer(&mut self, value: impl Into<i64>) -> Option<()> {
        self.push(Value::Integer(value.into()))
    }

    /// An integer of `count` bytes in two's complement.
    fn long(&mut self, count: usize) -> Option<()> {
        let bytes = self.bytes(count)?;
        let negative = bytes.last().is_some_and(|byte| *byte >= 0x80);
        let mut whole = [if negative { 0xff } else { 0 }; 8];
        let Some(place) = whole.get_mut(..count) else {
            return self.push(Value::Opaque);
        };
        place.copy_from_slice(bytes);
        self.integer(i64::from_le_bytes(whole))
    }

    fn text(&mut self, count: usize) -> Option<()> {
        let text = std::str::from_utf8(self.bytes(count)?).ok()?.to_owned();
        self.push(Value::Text(text))
    }

    /// Bytes that may be text.
    fn string(&mut self, count: usize) -> Option<()> {
        let value = match std::str::from_utf8(self.bytes(count)?) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Opaque,
        };
        self.push(value)
    }

    /// A string in quotes, or without them.
    fn quoted(&mut self, line: &str) -> Option<()> {
        let bare = ['\'', '"']
            .iter()
            .find_map(|quote| line.strip_prefix(*quote)?.strip_suffix(*quote));
        self.push(Value::Text(bare.unwrap_or(line).to_owned()))
    }

    /// An integer in digits; `00` and `01` are truth.
    fn written(&mut self, line: &str) -> Option<()> {
        match line {
            "00" => self.push_id(Values::FALSE),
            "01" => self.push_id(Values::TRUE),
            digits => {
                let number = digits.trim_end_matches('L').parse().ok();
                self.push(number.map_or(Value::Opaque, Value::Integer))
            }
        }
    }

    fn slot(&mut self) -> Option<usize> {
        self.line()?.parse().ok()
    }

    fn memorise(&mut self, slot: usize) -> Option<()> {
        self.memo.insert(slot, *self.top()?);
        Some(())
    }

    fn recall(&mut self, slot: usize) -> Option<()> {
        let id = *self.memo.get(&slot)?;
        self.push_id(id)
    }

    /// Where the values since the last mark start.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Option<&Id> {
        self.stack.get(self.floor()..)?.last()
    }

    /// The last `count` values, none of them below a mark.
    fn popped(&mut self, count: usize) -> Option<Vec<Id>> {
        let start = self.stack.len().checked_sub(count)?;
        (start >= self.floor()).then(|| self.stack.split_off(start))
    }

    /// The values since the last mark, which goes.
    fn since_mark(&mut self) -> Option<Vec<Id>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn tuple(&mut self, members: Vec<Id>) -> Option<()> {
        self.push(Value::Tuple(members))
    }

    fn append(&mut self, mut new: Vec<Id>) -> Option<()> {
        let list = *self.top()?;
        match self.values.get_mut(list)? {
            Value::List(members) => members.append(&mut new),
            Value::Foreign(_) => {}
            _ => return None,
        }
        Some(())
    }

    fn set(&mut self, new: &[Id]) -> Option<()> {
        let (pairs, rest) = new.as_chunks::<2>();
        let dict = *self.top()?;
        match self.values.get_mut(dict)? {
            Value::Dict(all) if rest.is_empty() => all.extend(pairs.iter().map(|[k, v]| (*k, *v))),
            Value::Foreign(_) if rest.is_empty() => {}
            _ => return None,
        }
        Some(())
    }

    /// Attributes of an ordered dictionary, like a state dict's `_metadata`, say
    /// nothing of its tensors; a foreign object is never looked into.
    fn build(&mut self) -> Option<()> {
        self.popped(1)?;
        let fits = |value: &Value| matches!(value, Value::Dict(_) | Value::Foreign(_));
        fits(self.values.get(*self.top()?)).then_some(())
    }

    fn reduce(&mut self, code: u8, at: usize) -> Result<(), Fault> {
        let operands = self.popped(2).ok_or_else(|| misplaced(code, at))?;
        let &[callable, arguments] = operands.as_slice() else {
            return Err(misplaced(code, at));
        };
        if let Value::Foreign(name) = self.values.get(callable) {
            let made = Value::Foreign(name.clone());
            return self.push(made).ok_or_else(|| misplaced(code, at));
        }
        let (Value::Callable(callable), Value::Tuple(arguments)) =
            (self.values.get(callable), self.values.get(arguments))
        else {
            return Err(misplaced(code, at));
        };
        if arguments.len() > MOST_ARGUMENTS {
            return Err(misplaced(code, at));
        }
        let (callable, arguments) = (callable.clone(), arguments.clone());
        let made = callable.call(&mut self.values, &arguments)?;
        self.stack.push(made);
        Ok(())
    }

    /// A new object of a class, with arguments by name that no tensor has.
    fn new_with_keywords(&mut self, code: u8, at: usize) -> Result<(), Fault> {
        self.popped(1).ok_or_else(|| misplaced(code, at))?;
        self.reduce(code, at)
    }

    fn persistent(&mut self) -> Option<()> {
        let id = *self.popped(1)?.first()?;
        let storage = callable::storage(&self.values, id)?;
        self.push(Value::Storage(storage))
    }

    /// A callable by name: two lines, or in protocol 4 two texts on the stack.
    fn global(&mut self, code: u8, at: usize) -> Result<(), Fault> {
        let names = match code {
            b'c' => self.line().and_then(|module| Some((module, self.line()?))),
            _ => self.popped(2).and_then(|names| {
                let text = |place: usize| Some(self.values.text(*names.get(place)?)?.to_owned());
                Some((text(0)?, text(1)?))
            }),
        };
        let (module, name) = names.ok_or_else(|| misplaced(code, at))?;
        let value = match Callable::named(&module, &name) {
            Some(callable) => Value::Callable(callable),
            None => self.values.foreign(&module, &name),
        };
        let id = self.values.add(value);
        self.stack.push(id);
        Ok(())
    }

    fn line(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line = self.bytes(end + 1)?.strip_suffix(b"\n")?;
        Some(std::str::from_utf8(line).ok()?.to_owned())
    }
}
