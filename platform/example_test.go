package platform_test

import (
	"fmt"

	"github.com/holdfast-dev/holdfast/platform"
)

func ExampleID() {
	fmt.Println(platform.ID{Name: "feedd"}, platform.ID{Name: "feedd", Instance: "eu"})
	fmt.Println(platform.CheckName("feed d") != nil)
	// Output:
	// feedd feedd@eu
	// true
}
