package seed
import ("testing";"os";"strconv")
func TestZZ(t *testing.T){
 n,_:=strconv.Atoi(os.Getenv("N")); dir:=os.Getenv("D"); os.RemoveAll(dir)
 m,err:=Run(t.Context(),Plan{Dir:dir,Findings:n,Incidents:n/10,Parties:max(50,n/1000),Seed:1})
 if err!=nil{t.Fatal(err)}
 t.Logf("%+v",m)
}
