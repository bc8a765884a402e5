//! Communities of nodes as a partition of named sites, and back.

use super::Communities;
use super::independence::name;
use crate::result::Assignment;

/// By node.
pub(super) fn assignments(communities: &Communities, names: &[String]) -> Vec<Assignment> {
    let assigned = communities
        .of
        .iter()
        .enumerate()
        .filter_map(|(node, module)| {
            module.map(|module| Assignment {
                site: name(names, node),
                module,
            })
        });
    assigned.collect()
}

/// Communities from a partition by names.
pub(super) fn labels_of(partition: &[Assignment], names: &[String]) -> Communities {
    let of: std::collections::BTreeMap<&str, usize> = partition
        .iter()
        .map(|a| (a.site.as_str(), a.module))
        .collect();
    let labels: Vec<Option<usize>> = names.iter().map(|n| of.get(n.as_str()).copied()).collect();
    Communities::from_labels(&labels)
}
