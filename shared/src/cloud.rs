//! National clouds: where to sign in and where Graph is.

use url::{Host, Url};

/// A Microsoft cloud (`AZURE_CLOUD`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "lowercase")]
pub enum Cloud {
    /// The worldwide cloud: `global`, the default.
    Global,
    /// Microsoft's US Government cloud, L4: `usgov`.
    UsGov,
    /// Microsoft's US Government cloud, L5 (`DoD`): `usgov-dod`.
    #[strum(serialize = "usgov-dod")]
    UsGovDod,
    /// China, operated by 21Vianet: `china`. It offers no directoryAudits, so only exported files can be
    /// read.
    China,
}

/// The only two hosts that ever receive a credential or a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// The cloud, as `AZURE_CLOUD` names it.
    pub cloud: Cloud,
    /// The sign-in host. As text it ends in a slash, as every URL without a path does.
    pub authority: Url,
    /// The Graph host, for which access tokens are requested.
    pub graph: Url,
}

impl Endpoints {
    /// Returns a cloud's hosts, or `authority` and `graph` in their place if they are given.
    pub fn of(cloud: Cloud, authority: Option<Url>, graph: Option<Url>) -> Self {
        let (login, api) = match cloud {
            Cloud::Global => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
            Cloud::UsGov => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
            Cloud::UsGovDod => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            Cloud::China => ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
        };
        let fixed = |text: &str| Url::parse(text).expect("a cloud's address is a URL");
        Self {
            cloud,
            authority: authority.unwrap_or_else(|| fixed(login)),
            graph: graph.unwrap_or_else(|| fixed(api)),
        }
    }

    /// Parses an address from a setting: https, or plain http to loopback only, and nothing after the host.
    pub fn parse(text: &str) -> Result<Url, String> {
        let url =
            Url::parse(text).map_err(|_| "must be an address like https://graph.microsoft.com".to_owned())?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user name or a password".to_owned());
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err("must be a host only, without a path".to_owned());
        }
        match url.scheme() {
            "https" => Ok(url),
            "http" if is_loopback(&url) => Ok(url),
            _ => Err("must begin with https:// (http:// only to a loopback address)".to_owned()),
        }
    }
}

/// Whether a URL's host is a loopback address of this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_loopback_only() {
        assert!(Endpoints::parse("http://127.0.0.1:8080").is_ok());
        assert!(Endpoints::parse("http://[::1]:8080").is_ok());
        assert!(Endpoints::parse("http://graph.example").is_err());
        assert!(Endpoints::parse("http://127.0.0.1.example").is_err());
        assert!(Endpoints::parse("https://graph.example/v1.0").is_err());
    }
}
