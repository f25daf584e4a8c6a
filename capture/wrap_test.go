package capture

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWrappings reads records as shippers and stores hand them on: each as if it were bare.
func TestWrappings(t *testing.T) {
	conn := `{"ts":1596790183.031212,"uid":"C1","id.orig_h":"10.8.0.61","id.orig_p":44297,"id.resp_h":"198.51.100.2","id.resp_p":443,"proto":"tcp","duration":0.25,"conn_state":"SF","history":"ShADad"}`
	event := `{"timestamp":"2020-08-07T08:49:43.031212+0000","flow_id":7,"event_type":"dns","src_ip":"10.8.0.61","src_port":5000,"dest_ip":"198.51.100.2","dest_port":53,"proto":"UDP","dns":{"version":2,"type":"query","id":9,"rrname":"a.example","rrtype":"A"}}`
	quoted := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	stamped := func(ts string) func(string) string {
		return func(s string) string { return strings.Replace(s, "1596790183.031212", ts, 1) }
	}
	for name, c := range map[string]struct {
		record string
		wrap   func(string) string
	}{
		"Elasticsearch": {conn, func(s string) string { return `{"_index":"zeek","_source":` + s + `}` }},
		"Filebeat, as text": {conn, func(s string) string {
			return `{"@timestamp":"2020-01-01T00:00:00Z","log":{"file":{"path":"/x/conn.log"}},"message":` + quoted(s) + `}`
		}},
		"EVE by Filebeat":                  {event, func(s string) string { return `{"@timestamp":"2020-01-01T00:00:00Z","message":` + quoted(s) + `}` }},
		"Docker":                           {event, func(s string) string { return `{"log":` + quoted(s+"\n") + `,"stream":"stdout"}` }},
		"Splunk":                           {conn, func(s string) string { return `{"preview":false,"result":{"_raw":` + quoted(s) + `}}` }},
		"the original event":               {event, func(s string) string { return `{"event":{"original":` + quoted(s) + `}}` }},
		"Kafka, under the name of the log": {conn, func(s string) string { return `{"conn": ` + s + `}` }},
		"syslog":                           {conn, func(s string) string { return "<13>Aug  7 08:49:43 sensor zeek_conn: " + s }},
		"EVE by syslog":                    {event, func(s string) string { return "Aug  7 08:49:43 sensor suricata[77]: " + s }},
		"milliseconds":                     {conn, stamped("1596790183031.212")},
		"microseconds":                     {conn, stamped("1596790183031212")},
		"nanoseconds":                      {conn, stamped("1596790183031212000")},
		"a moment of the shipper's": {conn, func(s string) string {
			return strings.Replace(s, `"ts":1596790183.031212`, `"@timestamp":"2020-08-07T08:49:43.031212Z"`, 1)
		}},
	} {
		two := func(s string) string { return fmt.Sprintf("%s\n%s\n", s, s) }
		want := readAll(t, "bare", strings.NewReader(two(c.record)))
		got := readAll(t, "wrapped", strings.NewReader(two(c.wrap(c.record))))
		if diff := cmp.Diff(tell(want), tell(got)); diff != "" || want.counts.Records == 0 {
			t.Errorf("%s: %d records, -want +got:\n%s", name, want.counts.Records, diff)
		}
	}
}
