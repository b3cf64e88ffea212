//! The settings of topics.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::messages::DescribeConfigsRequest;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::protocol::StrBytes;
use tokio::time::Instant;

use crate::cluster::connection::{CallFailure, Dial};
use crate::cluster::{Cluster, ClusterError};
use crate::kafka::ErrorCode;

/// `ConfigResource.Type.TOPIC`.
const TOPIC: i8 = 2;

impl<D: Dial> Cluster<D> {
    /// The values that take effect for a topic, of those of these settings that the cluster knows and shows; or the code
    /// with which it refuses. None where the cluster cannot be asked for settings.
    pub async fn topic_settings(
        &mut self,
        name: &Arc<str>,
        keys: impl Iterator<Item = &str>,
        deadline: Instant,
    ) -> Result<Option<Result<BTreeMap<String, String>, ErrorCode>>, ClusterError> {
        let mut home = self.home(deadline).await?;
        let version = match home.version::<DescribeConfigsRequest>() {
            Ok(version) => version,
            Err(error) if matches!(error.cause, CallFailure::Version { .. }) => {
                self.keep(home);
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let keys = keys.map(|key| StrBytes::from_string(key.to_owned())).collect();
        let resource = DescribeConfigsResource::default()
            .with_resource_type(TOPIC)
            .with_resource_name(StrBytes::from_string(name.to_string()))
            .with_configuration_keys(Some(keys));
        let request = DescribeConfigsRequest::default().with_resources(vec![resource]);
        let asked = home.send(&request, version, deadline).await?;
        let answer = home.receive(asked, deadline).await?;
        self.keep(home);
        let row = answer.results.into_iter().find(|row| *row.resource_name == **name);
        let Some(row) = row else { return Ok(Some(Err(ErrorCode::UNKNOWN_SERVER_ERROR))) };
        Ok(Some(match ErrorCode(row.error_code) {
            ErrorCode::NONE => {
                let known = row.configs.into_iter();
                Ok(known.filter_map(|row| Some((row.name.to_string(), row.value?.to_string()))).collect())
            }
            code => Err(code),
        }))
    }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::describe_configs_response::{
        DescribeConfigsResourceResult, DescribeConfigsResult,
    };
    use kafka_protocol::messages::{ApiKey, DescribeConfigsResponse};

    use super::*;
    use crate::cluster::Address;
    use crate::cluster::scripted::{Fake, Reply, Scripted, address, soon};
    use crate::kafka::{Incoming, Request};

    async fn asked(fake: Fake) -> Option<Result<BTreeMap<String, String>, ErrorCode>> {
        let (dial, _fake) = fake.start();
        let mut cluster: Cluster<Scripted> = Cluster::connect(dial, &[address(1)], soon()).await.unwrap();
        let keys = ["cleanup.policy", "retention.ms"];
        cluster.topic_settings(&"t".into(), keys.into_iter(), soon()).await.unwrap()
    }

    fn answering(code: i16) -> Fake {
        Fake::new(1).hook(move |_: &Address, incoming: &Incoming| {
            let Request::DescribeConfigs(asked) = &incoming.request else { return None };
            let asked = &asked.resources[0];
            assert_eq!((asked.resource_type, &*asked.resource_name), (2, "t"));
            let named = |name: &StrBytes| {
                let value = (&**name == "cleanup.policy").then(|| StrBytes::from_static_str("compact"));
                DescribeConfigsResourceResult::default().with_name(name.clone()).with_value(value)
            };
            let row = DescribeConfigsResult::default()
                .with_error_code(code)
                .with_resource_type(2)
                .with_resource_name(asked.resource_name.clone())
                .with_configs(asked.configuration_keys.iter().flatten().map(named).collect());
            Some(Reply::to(incoming, &DescribeConfigsResponse::default().with_results(vec![row])))
        })
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_effect_is_told_and_what_is_hidden_is_left_out() {
        let told = asked(answering(0)).await.unwrap().unwrap();
        assert_eq!(told.into_iter().collect::<Vec<_>>(), [("cleanup.policy".into(), "compact".into())]);
        assert_eq!(asked(answering(29)).await, Some(Err(ErrorCode(29))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_that_cannot_be_asked_is_no_error() {
        let mut fake = answering(0);
        fake.versions.insert(ApiKey::DescribeConfigs as i16, (0, 0));
        assert_eq!(asked(fake).await, None);
    }
}
