// Many agents behind one WebSocket, in the messages of opamp-go: what a gateway in front of a fleet looks like.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
	"github.com/open-telemetry/opamp-go/protobufs"
	"google.golang.org/protobuf/proto"
)

type agent struct {
	uid    []byte
	number uint64
	config *protobufs.AgentConfigMap
	status *protobufs.RemoteConfigStatus
}

type gateway struct {
	role   string
	socket *websocket.Conn
	agents map[string]*agent
	lock   sync.Mutex
}

const capabilities = uint64(protobufs.AgentCapabilities_AgentCapabilities_ReportsStatus |
	protobufs.AgentCapabilities_AgentCapabilities_AcceptsRemoteConfig |
	protobufs.AgentCapabilities_AgentCapabilities_ReportsRemoteConfig |
	protobufs.AgentCapabilities_AgentCapabilities_ReportsEffectiveConfig |
	protobufs.AgentCapabilities_AgentCapabilities_ReportsHealth)

func text(key, value string) *protobufs.KeyValue {
	return &protobufs.KeyValue{
		Key:   key,
		Value: &protobufs.AnyValue{Value: &protobufs.AnyValue_StringValue{StringValue: value}},
	}
}

// send writes one message as opamp-go's WebSocket client does: a header varint of 0, then the protobuf bytes.
func (g *gateway) send(a *agent, message *protobufs.AgentToServer) {
	message.InstanceUid = a.uid
	message.SequenceNum = a.number
	message.Capabilities = capabilities
	a.number++
	bytes, err := proto.Marshal(message)
	if err != nil {
		log.Fatal(err)
	}
	if err := g.socket.WriteMessage(websocket.BinaryMessage, append([]byte{0}, bytes...)); err != nil {
		log.Fatal(err)
	}
}

func (g *gateway) fullState(a *agent) {
	g.send(a, &protobufs.AgentToServer{
		AgentDescription: &protobufs.AgentDescription{
			IdentifyingAttributes:    []*protobufs.KeyValue{text("service.name", "behind-a-gateway")},
			NonIdentifyingAttributes: []*protobufs.KeyValue{text("role", g.role)},
		},
		Health:             &protobufs.ComponentHealth{Healthy: true},
		EffectiveConfig:    &protobufs.EffectiveConfig{ConfigMap: a.config},
		RemoteConfigStatus: a.status,
	})
}

func (g *gateway) hear(message *protobufs.ServerToAgent) {
	a, known := g.agents[string(message.InstanceUid)]
	if !known {
		log.Fatalf("a message for %x, who is not on this connection", message.InstanceUid)
	}
	if message.ErrorResponse != nil {
		log.Fatalf("an error: %v", message.ErrorResponse)
	}
	if message.Flags&uint64(protobufs.ServerToAgentFlags_ServerToAgentFlags_ReportFullState) != 0 {
		g.fullState(a)
	}
	offer := message.RemoteConfig
	if offer == nil {
		return
	}
	tell(map[string]string{"offer": hex.EncodeToString(offer.ConfigHash), "uid": hex.EncodeToString(a.uid)})
	a.config = offer.Config
	a.status = &protobufs.RemoteConfigStatus{
		LastRemoteConfigHash: offer.ConfigHash,
		Status:               protobufs.RemoteConfigStatuses_RemoteConfigStatuses_APPLIED,
	}
	g.send(a, &protobufs.AgentToServer{Health: &protobufs.ComponentHealth{Healthy: true}})
	g.send(a, &protobufs.AgentToServer{
		RemoteConfigStatus: a.status,
		EffectiveConfig:    &protobufs.EffectiveConfig{ConfigMap: a.config},
	})
}

func tell(event map[string]string) {
	line, _ := json.Marshal(event)
	fmt.Println(string(line))
}

func main() {
	endpoint, role := os.Args[1], os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	socket, _, err := websocket.DefaultDialer.Dial(endpoint, nil)
	if err != nil {
		log.Fatal(err)
	}
	g := &gateway{role: role, socket: socket, agents: map[string]*agent{}}
	for range count {
		a := &agent{uid: make([]byte, 16), status: &protobufs.RemoteConfigStatus{}}
		if _, err := rand.Read(a.uid); err != nil {
			log.Fatal(err)
		}
		g.agents[string(a.uid)] = a
		tell(map[string]string{"uid": hex.EncodeToString(a.uid)})
	}
	for _, a := range g.agents {
		g.fullState(a)
	}
	// A line on stdin is the uid of an agent that takes its leave.
	go func() {
		var uid string
		for {
			if _, err := fmt.Scanln(&uid); err != nil {
				return
			}
			raw, _ := hex.DecodeString(uid)
			g.lock.Lock()
			g.send(g.agents[string(raw)], &protobufs.AgentToServer{AgentDisconnect: &protobufs.AgentDisconnect{}})
			g.lock.Unlock()
		}
	}()
	for {
		_, bytes, err := socket.ReadMessage()
		if err != nil {
			log.Fatal(err)
		}
		var message protobufs.ServerToAgent
		if err := proto.Unmarshal(bytes[1:], &message); err != nil {
			log.Fatal(err)
		}
		g.lock.Lock()
		g.hear(&message)
		g.lock.Unlock()
	}
}
