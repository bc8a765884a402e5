//! The stack machine of pickles, as far as files of tensors need it.
//!
//! The opcodes are those that Python's `pickletools` lists, of protocols 2 to 4.

use std::collections::HashMap;

use super::Fault;
use super::callable::{self, Callable};
use super::value::{Id, Value, Values};

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
            b'G' => self.take::<8>().and_then(|_| self.push(Value::Opaque)),
            b'X' => self.length(4).and_then(|n| self.text(n)),
            0x8c => self.length(1).and_then(|n| self.text(n)),
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
            _ => return None,
        }
        Some(())
    }

    fn set(&mut self, new: &[Id]) -> Option<()> {
        let (pairs, rest) = new.as_chunks::<2>();
        let dict = *self.top()?;
        match self.values.get_mut(dict)? {
            Value::Dict(all) if rest.is_empty() => all.extend(pairs.iter().map(|[k, v]| (*k, *v))),
            _ => return None,
        }
        Some(())
    }

    /// Attributes of an ordered dictionary, like a state dict's `_metadata`, say
    /// nothing of its tensors.
    fn build(&mut self) -> Option<()> {
        self.popped(1)?;
        matches!(self.values.get(*self.top()?), Value::Dict(_)).then_some(())
    }

    fn reduce(&mut self, code: u8, at: usize) -> Result<(), Fault> {
        let operands = self.popped(2).ok_or_else(|| misplaced(code, at))?;
        let &[callable, arguments] = operands.as_slice() else {
            return Err(misplaced(code, at));
        };
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
        let callable = Callable::named(&module, &name)?;
        let id = self.values.add(Value::Callable(callable));
        self.stack.push(id);
        Ok(())
    }

    fn line(&mut self) -> Option<String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let line = self.bytes(end + 1)?.strip_suffix(b"\n")?;
        Some(std::str::from_utf8(line).ok()?.to_owned())
    }
}
