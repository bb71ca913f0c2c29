package ecr

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// publicHost is the registry that everybody can pull from.
const publicHost = "public.ecr.aws"

// privateHost matches the registries of accounts, in all partitions of AWS, with those of FIPS and of dual stack
// (https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html).
var privateHost = regexp.MustCompile(`^(?i:(\d{12})\.dkr([.-])ecr(-fips)?\.([a-z0-9-]+)\.` +
	`(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.(?:com\.cn|eu))|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov))$`)

// IsHost reports whether a host, as it stands in references, is a registry of Amazon ECR. A host that only looks like one
// must not be given AWS credentials.
func IsHost(host string) bool {
	return strings.EqualFold(host, publicHost) || privateHost.MatchString(host)
}

// place is where the interfaces of a private registry are.
type place struct {
	account string // "" where the host does not tell
	region  string
	api     string // the host of ECR's API
	sts     string // the host of the Security Token Service
}

// errNoHost is returned for a host whose API is not known.
var errNoHost = &registry.Kind{
	Text:   "this is not a host of Amazon ECR",
	Advice: "its name is ACCOUNT.dkr.ecr.REGION.amazonaws.com; leave --registry-kind out, or give --registry-kind distribution for another registry",
}

// errNoRegion is returned for an emulator where the environment names no region.
var errNoRegion = &registry.Kind{
	Text:   "the host does not tell the region, and AWS_REGION is not set",
	Advice: "set AWS_REGION to the region of the emulator",
}

// placeOf returns where the interfaces of a registry are. All of them follow from its host, so that credentials go nowhere
// else. On loopback, where emulators of AWS are, they are all at the host itself.
func placeOf(host string, getenv func(string) string) (place, error) {
	if wire.Loopback(host) {
		region := cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))
		if region == "" {
			return place{}, errNoRegion
		}
		return place{region: region, api: host, sts: host}, nil
	}
	m := privateHost.FindStringSubmatch(strings.ToLower(host))
	if m == nil {
		return place{}, errNoHost
	}
	account, dash, fips, region, domain := m[1], m[2] == "-", m[3], m[4], m[5]
	p := place{account: account, region: region, sts: "sts." + region + "." + domain}
	switch {
	case strings.HasPrefix(domain, "on."): // dual stack
		vendor := strings.TrimPrefix(domain, "on.")
		p.api = "ecr" + fips + "." + region + ".api." + vendor
		p.sts = "sts." + region + "." + strings.NewReplacer("amazonwebservices", "amazonaws", "aws", "amazonaws.com").Replace(vendor)
	case dash:
		return place{}, errNoHost
	case fips != "":
		p.api = "ecr-fips." + region + "." + domain
	default:
		p.api = "api.ecr." + region + "." + domain
	}
	return p, nil
}
