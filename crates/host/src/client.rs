//! The HTTP/1.1 client behind outbound requests: address filter, TLS, timeouts, kept connections.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::{Sleep, timeout};
use tokio_rustls::TlsConnector;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use crate::outbound::BlockedNetworks;

/// Spin's limit for connecting, for the first byte and between bytes, when the guest sets none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);
/// How long an idle connection is kept: below the usual minute of servers.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Idle connections kept for one destination.
const IDLE_PER_DESTINATION: usize = 16;

/// Scheme and authority of a server.
type Destination = (Scheme, Authority);

struct Idle {
    sender: SendRequest<WasiBody>,
    since: Instant,
}

/// Shared by all components: grants are checked before a request comes here.
pub(crate) struct Client {
    blocked: BlockedNetworks,
    tls: TlsConnector,
    // `None` when the runtime configuration turned pooling off.
    idle: Option<Mutex<HashMap<Destination, Vec<Idle>>>>,
}

impl Client {
    pub(crate) fn new(blocked: BlockedNetworks, pooling: bool) -> anyhow::Result<Self> {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.into(),
        };
        Self::trusting(roots, blocked, pooling)
    }

    fn trusting(
        roots: RootCertStore,
        blocked: BlockedNetworks,
        pooling: bool,
    ) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            blocked,
            tls: TlsConnector::from(Arc::new(tls)),
            idle: pooling.then(Mutex::default),
        })
    }

    /// Sends `request`; `trusted` skips the address filter (the application calls itself).
    pub(crate) async fn send(
        &self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        trusted: bool,
    ) -> Result<http::Response<WasiBody>, Error> {
        let options = options.unwrap_or_default();
        let destination = destination(request.uri())?;
        *request.uri_mut() = origin_form(request.uri());
        let connect_timeout = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        loop {
            let kept = self.take(&destination);
            let fresh = kept.is_none();
            let mut sender = match kept {
                Some(sender) => sender,
                None => timeout(connect_timeout, self.connect(&destination, trusted))
                    .await
                    .map_err(|_| Error::ConnectionTimeout)??,
            };
            let sent = timeout(first_byte, sender.try_send_request(request)).await;
            match sent.map_err(|_| Error::ConnectionReadTimeout)? {
                Ok(response) => {
                    self.keep(destination, sender);
                    return Ok(response.map(|body| TimedBody::boxed(body, &options)));
                }
                // The server closed a kept connection before anything was sent on it.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }

    /// A kept connection that is ready for a request.
    fn take(&self, destination: &Destination) -> Option<SendRequest<WasiBody>> {
        let mut idle = self
            .idle
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(destination)?;
        kept.retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < IDLE_TIMEOUT);
        let ready = kept.iter().rposition(|idle| idle.sender.is_ready())?;
        Some(kept.swap_remove(ready).sender)
    }

    /// Keeps a connection; it becomes ready when its present answer has been read to the end.
    fn keep(&self, destination: Destination, sender: SendRequest<WasiBody>) {
        let Some(idle) = &self.idle else { return };
        let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, kept| {
            kept.retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < IDLE_TIMEOUT);
            !kept.is_empty()
        });
        let kept = idle.entry(destination).or_default();
        if kept.len() < IDLE_PER_DESTINATION {
            kept.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }

    async fn connect(
        &self,
        (scheme, authority): &Destination,
        trusted: bool,
    ) -> Result<SendRequest<WasiBody>, Error> {
        let tls = *scheme == Scheme::HTTPS;
        let host = authority.host().trim_matches(['[', ']']);
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let stream = self.open(host, port, trusted).await?;
        if tls {
            let name =
                ServerName::try_from(host.to_owned()).map_err(|_| Error::HttpRequestUriInvalid)?;
            handshake(self.tls.connect(name, stream).await.map_err(Error::Tls)?).await
        } else {
            handshake(stream).await
        }
    }

    /// Connects to the first address that is not blocked and answers.
    async fn open(&self, host: &str, port: u16, trusted: bool) -> Result<TcpStream, Error> {
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host((host, port))
            .await
            .map_err(|_| Error::DnsError {
                rcode: None,
                info_code: None,
            })?
            .collect();
        let mut last = Error::DnsError {
            rcode: None,
            info_code: None,
        };
        for address in addresses {
            if !trusted && self.blocked.contains(address.ip()) {
                last = Error::DestinationIpProhibited;
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Requests must not wait for acknowledgements; a failure costs only time.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => last = connect_error(error),
            }
        }
        Err(last)
    }
}

fn connect_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        _ => Error::Connect(error),
    }
}

async fn handshake<S>(stream: S) -> Result<SendRequest<WasiBody>, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What goes wrong on the connection comes out of the request or of the answer's body.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(sender)
}

fn destination(uri: &http::Uri) -> Result<Destination, Error> {
    let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
    Ok((
        uri.scheme().cloned().unwrap_or(Scheme::HTTPS),
        authority.clone(),
    ))
}

/// What stands in the request line when no proxy is spoken to.
fn origin_form(uri: &http::Uri) -> http::Uri {
    let slash = || PathAndQuery::from_static("/");
    uri.path_and_query().cloned().unwrap_or_else(slash).into()
}

/// An answer's body whose server must not fall silent.
struct TimedBody {
    inner: Incoming,
    limit: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl TimedBody {
    fn boxed(inner: Incoming, options: &RequestOptions) -> WasiBody {
        let limit = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);
        Self {
            inner,
            limit,
            sleep: Box::pin(tokio::time::sleep(limit)),
        }
        .boxed_unsync()
    }
}

impl http_body::Body for TimedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                let deadline = tokio::time::Instant::now() + self.limit;
                self.sleep.as_mut().reset(deadline);
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
            }
            Poll::Pending => self
                .sleep
                .as_mut()
                .poll(cx)
                .map(|()| Some(Err(Error::ConnectionReadTimeout))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{Empty, Full};
    use hyper::service::service_fn;
    use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    /// An authority that signs certificates.
    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    /// A server on a free port that is `name` by a certificate of `issuer`; answers its port.
    async fn serve(name: &str, issuer: &CertifiedIssuer<'static, KeyPair>) -> u16 {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate: CertificateDer<'static> = params.signed_by(&key, issuer).unwrap().into();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let answer = service_fn(async |_| {
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(
                        Bytes::from_static(b"over TLS"),
                    )))
                });
                let served = hyper::server::conn::http1::Builder::new();
                tokio::spawn(served.serve_connection(TokioIo::new(stream), answer));
            }
        });
        port
    }

    fn trusting(issuer: &CertifiedIssuer<'static, KeyPair>) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone()).unwrap();
        Client::trusting(roots, BlockedNetworks::default(), true).unwrap()
    }

    async fn get(client: &Client, port: u16) -> Result<Bytes, Error> {
        let request = http::Request::get(format!("https://localhost:{port}/"))
            .header("host", "localhost")
            .body(Empty::new().map_err(|never| match never {}).boxed_unsync())
            .unwrap();
        let response = client.send(request, None, false).await?;
        Ok(response.into_body().collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn a_server_with_a_certificate_of_a_trusted_authority_is_reached() {
        let issuer = authority();
        let (client, port) = (trusting(&issuer), serve("localhost", &issuer).await);
        for _ in 0..2 {
            assert_eq!(get(&client, port).await.unwrap(), "over TLS");
        }
    }

    #[tokio::test]
    async fn a_stranger_s_certificate_and_one_of_another_name_are_refused() {
        let issuer = authority();
        let client = trusting(&issuer);
        let stranger = serve("localhost", &authority()).await;
        let other = serve("other.example", &issuer).await;
        for port in [stranger, other] {
            let refused = get(&client, port).await;
            assert!(matches!(refused, Err(Error::Tls(_))), "{refused:?}");
        }
    }
}
