"""An agent on OpenTelemetry's Python client: polls each second, runs what it is offered, refuses what says "refuse-me"."""

import json
import sys
import threading

from opentelemetry._opamp.agent import OpAMPAgent
from opentelemetry._opamp.callbacks import OpAMPCallbacks
from opentelemetry._opamp.client import OpAMPClient
from opentelemetry._opamp.proto import opamp_pb2 as pb


class Runner(OpAMPCallbacks):
    def on_message(self, agent, client, message):
        config = message.remote_config
        if config is None:
            return
        texts = {name: file.body.decode() for name, file in config.config.config_map.items()}
        print(json.dumps({"offer": config.config_hash.hex()}), flush=True)
        if any("refuse-me" in text for text in texts.values()):
            status, why = pb.RemoteConfigStatuses_FAILED, "the Python agent refuses this"
        else:
            status, why = pb.RemoteConfigStatuses_APPLIED, ""
            client.update_effective_config(texts, content_type="text/yaml")
        changed = client.update_remote_config_status(config.config_hash, status, why)
        if changed is not None:
            agent.send(client.build_remote_config_status_response_message(changed))


endpoint, role = sys.argv[1:]
client = OpAMPClient(
    endpoint=endpoint,
    agent_identifying_attributes={"service.name": "python-agent", "service.instance.id": role},
    agent_non_identifying_attributes={"role": role},
)
OpAMPAgent(interval=1, callbacks=Runner(), client=client).start()
threading.Event().wait()
