//! Whose requests are counted together.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use norace_prim::sync::Arc;

use crate::keys::Caller;

/// One client, as limits tell them apart.
///
/// A key that is not known makes nobody a client: whoever made keys up would have as many limits as he likes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Client {
    /// Who holds a key of this name.
    Key(Arc<str>),
    /// Who calls without a known key, from this address.
    Site(IpAddr),
}

impl Client {
    /// Who sends a request from `address`; `caller` is who it says to be, where that is known.
    pub(crate) fn of(caller: Option<&Caller>, address: IpAddr) -> Self {
        let key = caller.and_then(Caller::key);
        key.map_or_else(|| Self::Site(site(address)), |name| Self::Key(Arc::clone(name)))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(name) => write!(f, "key:{name}"),
            Self::Site(address) => write!(f, "site:{address}"),
        }
    }
}

/// Whose address it is: one site has as many addresses of IPv6 as it likes.
fn site(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, IpAddr};

    #[test]
    fn a_site_is_an_address_of_ipv4_or_a_network_of_ipv6() {
        let site = |text: &str| Client::of(None, text.parse::<IpAddr>().unwrap()).to_string();
        assert_eq!(site("192.0.2.7"), "site:192.0.2.7");
        assert_eq!(site("::ffff:192.0.2.7"), "site:192.0.2.7");
        assert_eq!(site("2001:db8:1:2:3:4:5:6"), "site:2001:db8:1:2::");
        assert_ne!(site("2001:db8:1:3::1"), site("2001:db8:1:2::1"));
    }
}
