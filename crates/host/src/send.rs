//! Outbound HTTP: every request of a guest, WASI 0.2 or 0.3, passes [`Outbound::send`].

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http::uri::{Authority, PathAndQuery, Scheme};
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use crate::client::Client;
use crate::outbound::{AllowedHosts, is_itself};
use crate::trace::{TRACEPARENT, TraceContext};

/// What one component may call.
pub(crate) struct Outbound {
    pub allowed: AllowedHosts,
    pub client: Arc<Client>,
    /// The server's own address, known once it listens.
    pub own_address: Arc<OnceLock<SocketAddr>>,
}

type IoResult = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sent = Result<(http::Response<WasiBody>, IoResult), Error>;

impl Outbound {
    async fn send(
        &self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Sent {
        if !self.allowed.allows(request.uri()) {
            return Err(Error::HttpRequestDenied);
        }
        let itself = is_itself(request.uri().host());
        if itself {
            self.redirect_to_itself(&mut request)?;
        }
        let response = self.client.send(request, options, itself).await?;
        // The client drives its connections itself: nothing is left to do for the guest.
        Ok((response, Box::new(async { Ok(()) })))
    }

    /// Points a request to the application itself at the address it listens on.
    fn redirect_to_itself(&self, request: &mut http::Request<WasiBody>) -> Result<(), Error> {
        let address = self
            .own_address
            .get()
            .ok_or(Error::DestinationUnavailable)?;
        let authority: Authority = address
            .to_string()
            .parse()
            .map_err(|_| Error::HttpRequestUriInvalid)?;
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts
            .path_and_query
            .get_or_insert(PathAndQuery::from_static("/"));
        if let Ok(host) = http::HeaderValue::from_str(authority.as_str()) {
            request.headers_mut().insert(http::header::HOST, host);
        }
        parts.authority = Some(authority);
        *request.uri_mut() =
            http::Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
        Ok(())
    }
}

/// Ties `wasi:http` of one instance to its component's [`Outbound`].
pub(crate) struct Hooks {
    outbound: Arc<Outbound>,
    forbidden: ForbiddenHeaderFilter,
    /// The span of the instance's only request.
    pub trace: Option<TraceContext>,
}

impl Hooks {
    pub(crate) fn new(outbound: Arc<Outbound>) -> Self {
        Self {
            outbound,
            forbidden: Arc::new(|name| DEFAULT_FORBIDDEN_HEADERS.contains(name)),
            trace: None,
        }
    }
}

impl WasiHttpHooks for Hooks {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        self.forbidden.clone()
    }

    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _received: IoResult,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let outbound = self.outbound.clone();
        // A guest that passes the header on itself knows better.
        if let Some(header) = self.trace.and_then(|trace| trace.header()) {
            request.headers_mut().entry(TRACEPARENT).or_insert(header);
        }
        Box::new(async move { outbound.send(request, options).await })
    }
}
