use crate::handle::Call;
use crate::upload::Upload;
use crate::{Error, Reply};
use sklad_store::{Clock, Kv, Sql};
pub(crate) async fn query<S: Sql, K: Kv, C: Clock>(_: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    Ok(Reply::failure(""))
}
pub(crate) async fn success<S: Sql, K: Kv, C: Clock>(
    _: &Call<'_, S, K, C>,
) -> Result<Reply, Error> {
    Ok(Reply::failure(""))
}
pub(crate) async fn info<S: Sql, K: Kv, C: Clock>(_: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    Ok(Reply::failure(""))
}
pub(crate) async fn import<S: Sql, K: Kv, C: Clock>(_: &Call<'_, S, K, C>) -> Result<Reply, Error> {
    Ok(Reply::failure(""))
}
pub(crate) async fn version<S: Sql, K: Kv, C: Clock>(
    _: &Call<'_, S, K, C>,
    _: &str,
) -> Result<String, Error> {
    Ok(String::new())
}
pub(crate) async fn received<S: Sql, K: Kv, C: Clock>(
    _: &Call<'_, S, K, C>,
    _: &Upload,
) -> Result<Reply, Error> {
    Ok(Reply::success())
}
