//! Edits by name become edits by place, and runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ndarray::{Array2, Axis, s};

use super::{
    Act, At, Carrier, CarrierEdit, Change, Edit, Editable, Ledger, SiteEdit, Source, Spot, nearest,
};
use crate::numeric::{Scalar, parallel};
use crate::patch::Fill;
use crate::patch::sets::{means, resampled, together};
use crate::{Error, ErrorKind, Result};

/// The sites of a network by name, to make edits ready with.
#[derive(Debug)]
pub struct Editor<'n, E: Editable> {
    network: &'n E,
    names: Vec<String>,
    sites: BTreeMap<String, Vec<Spot<E::Group>>>,
    /// The file that errors name.
    path: &'n Path,
    /// Of the fill `resample`.
    seed: u64,
}

/// Edits made ready for runs.
#[derive(Debug, Clone)]
pub struct Prepared<'n, E: Editable> {
    network: &'n E,
    sites: Sites<E>,
    carriers: Carriers<E>,
}

type Sites<E> = BTreeMap<<E as Editable>::Group, Vec<SiteEdit<<E as Editable>::Number>>>;
type Carriers<E> = BTreeMap<
    <E as Editable>::Reader,
    Vec<CarrierEdit<<E as Editable>::Number, <E as Editable>::Group, <E as Editable>::Reader>>,
>;
type Shown<E> = BTreeMap<<E as Editable>::Group, Array2<<E as Editable>::Number>>;
type Links<E> = Vec<Carrier<<E as Editable>::Group, <E as Editable>::Reader>>;

impl<'n, E: Editable> Editor<'n, E> {
    /// Of a network; errors name `path`, and `seed` is of the fill `resample`.
    #[must_use]
    pub fn new(network: &'n E, path: &'n Path, seed: u64) -> Self {
        let sites = network.sites();
        Self {
            network,
            names: sites.iter().map(|(name, _)| name.clone()).collect(),
            sites: sites.into_iter().collect(),
            path,
            seed,
        }
    }

    /// Every site by name, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What sites write when edits are made, each `[rows, values]`: a row is a sample, or a
    /// position of one.
    ///
    /// # Errors
    /// If a name is none of the network's.
    pub fn read(
        &self,
        edited: &Prepared<'n, E>,
        names: &[String],
    ) -> Result<Vec<Array2<E::Number>>> {
        let spots = |name: &String| self.sites.get(name).ok_or_else(|| self.unknown(name));
        let spots: Vec<&Vec<Spot<E::Group>>> = names.iter().map(spots).collect::<Result<_>>()?;
        let groups: BTreeSet<E::Group> = spots.iter().copied().flatten().map(|s| s.group).collect();
        let shown = edited.shown(groups, Source::Clean);
        let of_site = |spots: &&Vec<Spot<E::Group>>| {
            let views: Vec<_> = spots
                .iter()
                .map(|spot| shown[&spot.group].slice(s![.., spot.columns.clone()]))
                .collect();
            ndarray::concatenate(Axis(1), &views)
                .unwrap_or_else(|_| unreachable!("groups of one pass have as many rows"))
        };
        Ok(spots.iter().map(of_site).collect())
    }

    /// Makes edits ready; the later of two of one site comes after the earlier.
    ///
    /// # Errors
    /// If a name, a number of values, a position or a sample is none of the network's.
    pub fn prepare(&self, edits: &[Edit]) -> Result<Prepared<'n, E>> {
        let mut ready = Prepared {
            network: self.network,
            sites: BTreeMap::new(),
            carriers: BTreeMap::new(),
        };
        for edit in edits.iter().flat_map(|edit| self.at_steps(edit)) {
            let edit = &edit;
            self.check(edit)?;
            match &edit.at {
                At::Site(name) => self.site(edit, name, &mut ready)?,
                At::Edge(from, to) => {
                    for carrier in self.carriers(edit, from, to)? {
                        let act = self.act_on_message(edit, &carrier)?;
                        ready.bring(carrier, act, edit.positions.clone());
                    }
                }
                At::Path(names) => self.path(edit, names, &mut ready)?,
            }
        }
        Ok(ready)
    }

    /// An edit at positions, of a network whose positions are the steps of a recurrence: an
    /// edit of each of these steps' own sites.
    fn at_steps(&self, edit: &Edit) -> Vec<Edit> {
        let has_steps = || self.names.iter().any(|name| name.contains('@'));
        let Some(steps) = edit.positions.as_ref() else {
            return vec![edit.clone()];
        };
        if self.network.length().is_some() || !has_steps() {
            return vec![edit.clone()];
        }
        let of_step = |step: &usize| {
            let mut at = edit.at.clone();
            at.placed().push_str(&format!("@{step}"));
            Edit {
                at,
                positions: None,
                ..edit.clone()
            }
        };
        steps.iter().map(of_step).collect()
    }

    fn check(&self, edit: &Edit) -> Result<()> {
        let length = self.network.length();
        let wrong = match (&edit.positions, length) {
            (Some(_), None) => Some("the samples of this network have no positions".to_owned()),
            (Some(positions), Some(length)) => positions
                .iter()
                .find(|position| **position >= length)
                .map(|p| format!("there is no position {p}: samples have {length}, from 0")),
            (None, _) => None,
        };
        let samples = self.network.samples();
        let wrong = wrong.or(match &edit.change {
            Change::Sample(sample) if *sample >= samples => Some(format!(
                "there is no sample {sample}: there are {samples}, from 0"
            )),
            Change::Fill(Fill::Corrupted) if !self.network.has_pairs() => {
                return Err(ErrorKind::NoCorruptedInputs.at(self.path));
            }
            Change::Fill(fill) => {
                self.network.allows(*fill)?;
                None
            }
            _ => None,
        });
        wrong.map_or(Ok(()), |detail| Err(self.wrong(edit, detail)))
    }

    fn wrong(&self, edit: &Edit, detail: String) -> Error {
        ErrorKind::WrongEdit {
            edit: edit.at.to_string(),
            detail,
        }
        .at(self.path)
    }

    fn unknown(&self, name: &str) -> Error {
        ErrorKind::UnknownSite {
            name: name.to_owned(),
            nearest: nearest(name, &self.names),
        }
        .at(self.path)
    }

    fn site(&self, edit: &Edit, name: &str, ready: &mut Prepared<'n, E>) -> Result<()> {
        let spots = self.sites.get(name).ok_or_else(|| self.unknown(name))?;
        for spot in spots {
            let act = self.act(edit, spot, spot.columns.len())?;
            let edits = ready.sites.entry(spot.group).or_default();
            edits.push(SiteEdit {
                columns: spot.columns.clone(),
                act,
                positions: edit.positions.clone(),
            });
        }
        Ok(())
    }

    /// What carries messages between two sites; there must be something.
    fn carriers(&self, edit: &Edit, from: &str, to: &str) -> Result<Links<E>> {
        let found = self.network.carriers(from, to);
        if !found.is_empty() {
            return Ok(found);
        }
        for name in [from, to] {
            let is_there = |there: &String| there == name || there.split('<').next() == Some(name);
            if !self.names.iter().any(is_there) {
                return Err(self.unknown(name));
            }
        }
        let detail = format!("no edge leads from {from} to {to}");
        Err(self.wrong(edit, detail))
    }

    fn act_on_message(
        &self,
        edit: &Edit,
        carrier: &Carrier<E::Group, E::Reader>,
    ) -> Result<Act<E::Number>> {
        let width = self.network.message_width(carrier);
        self.act(edit, &carrier.from, width)
    }

    /// What becomes of a spot, or of a message `width` wide from it.
    fn act(&self, edit: &Edit, spot: &Spot<E::Group>, width: usize) -> Result<Act<E::Number>> {
        let numbers = |values: &[f64]| -> Result<Vec<E::Number>> {
            if values.len() != 1 && values.len() != width {
                let found = values.len();
                let detail = format!("{found} values for what has {width}");
                return Err(self.wrong(edit, detail));
            }
            Ok(values.iter().map(|v| E::Number::from_f64(*v)).collect())
        };
        Ok(match &edit.change {
            Change::Set(values) => Act::Set(numbers(values)?),
            Change::Add(values) => Act::Add(numbers(values)?),
            Change::Scale(factor) => Act::Scale(E::Number::from_f64(*factor)),
            Change::Sample(_) | Change::Fill(_) => Act::Values(self.reference(edit, spot)),
        })
    }

    /// What stands in for a spot's values, `[rows of all samples, columns]`.
    fn reference(&self, edit: &Edit, spot: &Spot<E::Group>) -> Array2<E::Number> {
        let source = match edit.change {
            Change::Fill(Fill::Corrupted) => Source::Corrupted,
            _ => Source::Clean,
        };
        let mut clean = Prepared {
            network: self.network,
            sites: BTreeMap::new(),
            carriers: BTreeMap::new(),
        }
        .shown([spot.group], source);
        let all = clean.remove(&spot.group);
        let all = all.unwrap_or_else(|| unreachable!("a pass shows every group that is wanted"));
        let values = all.slice(s![.., spot.columns.clone()]).to_owned();
        let samples = self.network.samples();
        let one = |mut parts: Vec<Vec<Array2<E::Number>>>| {
            let of_all = parts.pop().and_then(|mut arrays| arrays.pop());
            of_all.unwrap_or_else(|| unreachable!("one array gives one"))
        };
        match edit.change {
            Change::Sample(sample) => {
                let per_sample = values.nrows() / samples.max(1);
                let rows: Vec<usize> = (0..values.nrows())
                    .map(|row| sample * per_sample + row % per_sample.max(1))
                    .collect();
                values.select(Axis(0), &rows)
            }
            Change::Fill(Fill::Mean) => one(means(&[vec![&values]], &[samples])),
            Change::Fill(Fill::Resample) => one(resampled(&[vec![&values]], &[samples], self.seed)),
            Change::Fill(Fill::Zero) => Array2::zeros(values.raw_dim()),
            _ => values,
        }
    }

    /// A path: only the message along it is changed, link by link.
    fn path(&self, edit: &Edit, names: &[String], ready: &mut Prepared<'n, E>) -> Result<()> {
        let mut links = names.windows(2);
        let Some([from, to]) = links.next() else {
            return Err(self.wrong(edit, "a path has two sites or more".to_owned()));
        };
        let mut now = Vec::new();
        for carrier in self.carriers(edit, from, to)? {
            let act = self.act_on_message(edit, &carrier)?;
            now.push((carrier, act, edit.positions.clone()));
        }
        for link in links {
            let [via, to] = link else { continue };
            let mut next = Vec::new();
            for writer in self.network.writers_of(via) {
                next.extend(self.network.carriers(&writer, to));
            }
            if next.is_empty() {
                next = self.carriers(edit, via, to)?;
            }
            let mut alone = Prepared {
                network: self.network,
                sites: BTreeMap::new(),
                carriers: BTreeMap::new(),
            };
            for (carrier, act, positions) in now {
                alone.bring(carrier, act, positions);
            }
            let groups: BTreeSet<E::Group> = next.iter().map(|c| c.from.group).collect();
            let shown = alone.shown(groups, Source::Clean);
            let brought = |carrier: Carrier<E::Group, E::Reader>| {
                let values = shown[&carrier.from.group].slice(s![.., carrier.from.columns.clone()]);
                let act = Act::Values(values.to_owned());
                (carrier, act, None)
            };
            now = next.into_iter().map(brought).collect();
        }
        for (carrier, act, positions) in now {
            ready.bring(carrier, act, positions);
        }
        Ok(())
    }
}

impl<E: Editable> Prepared<'_, E> {
    fn bring(
        &mut self,
        carrier: Carrier<E::Group, E::Reader>,
        act: Act<E::Number>,
        positions: Option<Vec<usize>>,
    ) {
        let edits = self.carriers.entry(carrier.to).or_default();
        match edits.iter_mut().find(|edit| edit.carrier == carrier) {
            Some(edit) => edit.acts.push((act, positions)),
            None => edits.push(CarrierEdit {
                carrier,
                acts: vec![(act, positions)],
            }),
        }
    }

    /// The outputs `[outputs, readings]` with all edits. Parts run in parallel.
    #[must_use]
    pub fn outputs(&self) -> Array2<E::Number> {
        let run = |part: usize| {
            let mut ledger = Ledger::new(&self.sites, &self.carriers, []);
            let outputs = self.network.run(part, Source::Clean, &mut ledger);
            outputs.reversed_axes()
        };
        let parts = parallel::map(0..self.network.parts(), run);
        together(&parts)
    }

    /// What groups write with all edits, `[rows of all samples, columns]`.
    fn shown(&self, groups: impl IntoIterator<Item = E::Group>, source: Source) -> Shown<E> {
        let groups: Vec<E::Group> = groups.into_iter().collect();
        let run = |part: usize| {
            let mut ledger = Ledger::new(&self.sites, &self.carriers, groups.iter().copied());
            self.network.run(part, source, &mut ledger);
            ledger.recorded()
        };
        let parts: Vec<Shown<E>> = parallel::map(0..self.network.parts(), run);
        let of = |group: &E::Group| {
            let each: Vec<_> = parts.iter().filter_map(|part| part.get(group)).collect();
            let views: Vec<_> = each.iter().map(|values| values.view()).collect();
            Some((*group, ndarray::concatenate(Axis(0), &views).ok()?))
        };
        groups.iter().filter_map(of).collect()
    }
}
